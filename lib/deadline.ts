import { PageturnerError } from './core/errors.ts';
import type { Clock } from './ports.ts';

/** The time that a handler has. */
export interface Deadline {
  readonly signal: AbortSignal;
  remaining(): number;
}

/** The rest is for the commit, the enqueueing and the answer. */
const handlerShare = 0.9;

/**
 * Calls `handle` with a deadline well inside the invocation's own, and stops waiting for it when the time is over: the delivery can
 * then still be answered, and comes again.
 *
 * @throws PageturnerError `deadline-exceeded`, and whatever `handle` throws.
 */
export async function withDeadline<T>(
  timeoutSeconds: number,
  clock: Clock,
  handle: (deadline: Deadline) => T | Promise<T>,
): Promise<T> {
  const budgetMs = timeoutSeconds * 1000 * handlerShare;
  const endsAt = clock.now() + budgetMs;
  const controller = new AbortController();
  let cancel = (): void => {};
  const isOver = new Promise<never>((_, reject) => {
    cancel = clock.after(budgetMs, () => {
      const error = new PageturnerError(
        'deadline-exceeded',
        `The handler was not done after ${budgetMs / 1000} s. Give it a smaller pageSize or a larger timeoutSeconds, ` +
          'and pass ctx.signal to what it waits for.',
      );
      controller.abort(error);
      reject(error);
    });
  });
  try {
    const work = (async () =>
      await handle({ signal: controller.signal, remaining: () => Math.max(0, endsAt - clock.now()) }))();
    return await Promise.race([work, isOver]);
  } finally {
    cancel();
  }
}
