import type { Run } from '../../../lib/core/run.ts';
import type { Observer } from './observer.ts';

export const callbackNames = ['onStart', 'onPause', 'onCancel', 'onError'] as const;
export type Callback = (typeof callbackNames)[number];

/** What happened to runs that calls for callbacks, as it was written. */
export class Events implements Observer {
  readonly #counts = new Map<string, number>();

  runWritten(before: Run | undefined, { id, state }: Run): void {
    const callback = calledFor(before?.state, state);
    if (callback !== undefined) this.#counts.set(`${id}/${callback}`, this.count(id, callback) + 1);
  }

  /** How often a run has called for a callback. */
  count(run: string, callback: Callback): number {
    return this.#counts.get(`${run}/${callback}`) ?? 0;
  }
}

function calledFor(before: Run['state'] | undefined, after: Run['state']): Callback | undefined {
  if (before === undefined || before === after) return undefined;
  switch (after) {
    case 'running':
      return before === 'starting' ? 'onStart' : undefined;
    case 'paused':
      return 'onPause';
    case 'canceled':
      return 'onCancel';
    case 'failed':
      return 'onError';
    case 'starting':
    case 'pausing':
    case 'canceling':
    case 'completing':
    case 'completed':
      return undefined;
  }
}
