import { NotBegunError, PageturnerError } from './core/errors.ts';
import type { Clock } from './ports.ts';

/** The time that a handler has. */
export interface Deadline {
  readonly signal: AbortSignal;
  remaining(): number;
}

/** A deadline that several calls of handlers share, one after the other. */
export interface RunningDeadline extends Deadline, Disposable {
  /** Milliseconds that handlers have in all. */
  readonly limitMs: number;
  /**
   * Calls `work`, and stops waiting for it when the time is over: the delivery can then still be answered, and comes again. When the
   * time is over already, as after a long wait for the lease of an exclusive task, `work` is not called.
   *
   * @throws PageturnerError `deadline-exceeded` (NotBegunError where `work` was not called), and whatever `work` throws.
   */
  race<T>(work: () => T | Promise<T>): Promise<T>;
}

/** The rest is for the commit, the enqueueing and the answer. */
const handlerShare = 0.9;

/** Starts a deadline well inside the invocation's own. */
export function startDeadline(timeoutSeconds: number, clock: Clock): RunningDeadline {
  const limitMs = timeoutSeconds * 1000 * handlerShare;
  const endsAt = clock.now() + limitMs;
  const controller = new AbortController();
  const over = Promise.withResolvers<never>();
  // Nobody may be waiting when it is over.
  over.promise.catch(() => {});
  const stop = clock.after(limitMs, () => {
    const error = new PageturnerError(
      'deadline-exceeded',
      `The handler was not done after ${limitMs / 1000} s. Give it a smaller pageSize or a larger timeoutSeconds, ` +
        'and pass ctx.signal to what it waits for.',
    );
    controller.abort(error);
    over.reject(error);
  });
  return {
    limitMs,
    signal: controller.signal,
    remaining: () => Math.max(0, endsAt - clock.now()),
    async race(work) {
      if (controller.signal.aborted) throw new NotBegunError(limitMs);
      return await Promise.race([(async () => await work())(), over.promise]);
    },
    [Symbol.dispose]: stop,
  };
}
