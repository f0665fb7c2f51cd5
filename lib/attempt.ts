import { isLastAttempt } from './core/last-attempt.ts';
import type { Attempt, Ports, RetryLookup } from './ports.ts';

/**
 * The attempt that a request is, by the headers that the queue gave it. Whether it is the last one is decided by the queue's own retry
 * settings. Where the queue cannot be asked, the answer is no: a chain that ends so is found by the healer.
 *
 * @param header the value of a header of the request
 */
export function attemptOf(
  header: (name: string) => string | undefined,
  retries: RetryLookup,
  { clock, log }: Ports,
): Attempt {
  const queue = header('X-CloudTasks-QueueName');
  const taskId = header('X-CloudTasks-TaskName');
  const before = Number(header('X-CloudTasks-TaskRetryCount'));
  const previous = header('X-CloudTasks-TaskPreviousResponse');
  const unanswered = (what: string, error: unknown): void => {
    const message = error instanceof Error ? error.message : String(error);
    log.write('WARNING', `The queue could not be asked ${what}: ${message}`, { queue });
  };
  return {
    retries: Number.isInteger(before) ? before : 0,
    previousStatus: previous === undefined ? undefined : Number(previous),
    async isLast() {
      if (queue === undefined || taskId === undefined || !Number.isInteger(before)) return false;
      try {
        const limits = await retries.retryLimits(queue);
        const isTimed = limits.maxRetryMs !== undefined;
        const firstAt = isTimed ? await retries.firstAttemptAt(queue, taskId) : undefined;
        return isLastAttempt(limits, before, firstAt, clock.now());
      } catch (error) {
        unanswered('whether it tries again', error);
        return false;
      }
    },
    async firstMadeAt() {
      if (queue === undefined || taskId === undefined) return undefined;
      try {
        return await retries.firstAttemptAt(queue, taskId);
      } catch (error) {
        unanswered('when it first delivered a task', error);
        return undefined;
      }
    },
  };
}
