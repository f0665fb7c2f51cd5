import type { AnyTask } from './core/definition.ts';
import { startDeadline, type Deadline } from './deadline.ts';
import type { Effects } from './effects.ts';
import type { Clock } from './ports.ts';
import { observeHandler } from './telemetry/observe-handler.ts';

/** Which of the user's functions is called, and for what. */
interface Call {
  readonly task: Pick<AnyTask, 'name' | 'timeoutSeconds'>;
  readonly queue: string;
  /** Its name. */
  readonly handler: string;
  /** What it asks for. */
  readonly effects: Effects;
}

/**
 * Calls one of the user's functions that has its delivery for itself, in a span, and stops waiting for it when its time is over, which is
 * well inside the invocation's own. From then on, or when it has returned, nothing that it asks for is taken any more.
 *
 * @throws PageturnerError `deadline-exceeded`, and whatever the function throws.
 */
export async function callHandler<T>(
  { task, queue, handler, effects }: Call,
  clock: Clock,
  call: (deadline: Deadline) => T | Promise<T>,
): Promise<T> {
  try {
    return await observeHandler({ task: task.name, queue, handler, clock }, async () => {
      using deadline = startDeadline(task.timeoutSeconds, clock);
      return await deadline.race(() => call(deadline));
    });
  } finally {
    effects.close();
  }
}
