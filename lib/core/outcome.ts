/** What the `run` of a one-shot task may return; nothing means done. */
export type Outcome = Terminate | Repeat;

export interface Terminate {
  readonly outcome: 'terminate';
  readonly reason: string;
}

export interface Repeat {
  readonly outcome: 'repeat';
  readonly afterMs: number;
}

/**
 * Returned by a one-shot task's `run`: there is nothing (more) to do. The task leaves its queue, and the reason is logged. Unlike
 * `FatalTaskError` this is no failure.
 *
 * @example
 * if (mail.sentAt) return terminateTask('already sent');
 */
export function terminateTask(reason: string): Terminate {
  return { outcome: 'terminate', reason };
}

/**
 * Returned by a one-shot task's `run`: done for now, and start again with the same parameters `after` seconds from now. The next
 * start is enqueued under a name derived from this one, so that a delivery that comes twice does not start two chains.
 *
 * @param options.after seconds, 0 or more; at most 30 days.
 * @throws RangeError when `after` is out of range.
 *
 * @example
 * return repeatTask({ after: 3600 });
 */
export function repeatTask(options: { readonly after: number }): Repeat {
  const { after } = options;
  if (!(after >= 0 && after <= 30 * 24 * 3600)) {
    throw new RangeError(`repeatTask: after is ${after}; write seconds between 0 and 2592000 (30 days)`);
  }
  return { outcome: 'repeat', afterMs: after * 1000 };
}
