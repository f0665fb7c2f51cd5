/** How long a queue tries. */
export interface RetryLimits {
  /** Attempts of a task, the first included; undefined where there is no limit. */
  readonly maxAttempts?: number;
  /** Milliseconds from the first attempt on, during which a task is tried; undefined where there is no limit. */
  readonly maxRetryMs?: number;
}

/**
 * Whether the queue drops a task when this attempt fails. Where both limits are set, both must be reached; where none is, the task is
 * tried as long as the service keeps it.
 *
 * @param firstAttemptAt when the first attempt was made; asked only where the queue limits the time.
 */
export function isLastAttempt(
  limits: RetryLimits,
  attemptsBefore: number,
  firstAttemptAt: number | undefined,
  now: number,
): boolean {
  const { maxAttempts, maxRetryMs } = limits;
  if (maxAttempts === undefined && maxRetryMs === undefined) return false;
  const areUsedUp = maxAttempts === undefined || attemptsBefore + 1 >= maxAttempts;
  const isTimeOver =
    maxRetryMs === undefined || (firstAttemptAt !== undefined && now - firstAttemptAt >= maxRetryMs);
  return areUsedUp && isTimeOver;
}
