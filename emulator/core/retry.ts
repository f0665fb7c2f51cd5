import type { Queue, RetryConfig } from './model.ts';

/** The service keeps no task longer than this, whatever its queue's retry settings say. */
export const TASK_RETENTION_MS: number = 31 * 24 * 60 * 60 * 1000;

/**
 * Time to wait after a failed attempt, in ms: `minBackoff`, doubled `maxDoublings` times, from then on growing by
 * `minBackoff * 2^maxDoublings` each time, never above `maxBackoff`.
 *
 * @param attempts Attempts made so far, the failed one included (1 or more).
 */
export function backoffMs(config: RetryConfig, attempts: number): number {
  const { minBackoffMs, maxBackoffMs, maxDoublings } = config;
  // A power beyond the range of numbers times 0 would be NaN.
  if (minBackoffMs === 0) return 0;
  const doublings = Math.min(attempts - 1, maxDoublings);
  const linearSteps = attempts - doublings;
  return Math.min(minBackoffMs * 2 ** doublings * linearSteps, maxBackoffMs);
}

export interface AttemptHistory {
  /** Attempts made so far. */
  readonly attempts: number;
  readonly createAt: number;
  readonly firstAttemptAt: number;
  /** How long the task may stay in its queue; 31 days unless given. */
  readonly retentionMs?: number;
}

/** How long a task may stay in this queue, whatever the retry settings say. */
export function retentionMsOf({ taskTtlMs }: Queue): number {
  return taskTtlMs ?? TASK_RETENTION_MS;
}

/**
 * Whether a task that just failed gets no further attempt. If both limits are set, both must be reached; if one is set, that one
 * decides; if none is, the task lives until the service's retention ends.
 */
export function isExhausted(config: RetryConfig, history: AttemptHistory, now: number): boolean {
  if (now - history.createAt >= (history.retentionMs ?? TASK_RETENTION_MS)) return true;
  const hasAttemptLimit = config.maxAttempts !== -1;
  const hasAgeLimit = config.maxRetryDurationMs > 0;
  if (!hasAttemptLimit && !hasAgeLimit) return false;
  const isAttemptLimitReached = !hasAttemptLimit || history.attempts >= config.maxAttempts;
  const isAgeLimitReached = !hasAgeLimit || now - history.firstAttemptAt >= config.maxRetryDurationMs;
  return isAttemptLimitReached && isAgeLimitReached;
}
