import type { DispatchResult } from './dispatch.ts';
import type { ResponseStatus, RetryConfig, Task } from './model.ts';
import { backoffMs, isExhausted } from './retry.ts';

/** What becomes of a task after an attempt. `task` carries the attempt's record in each case. */
export type Conclusion =
  | { readonly kind: 'completed'; readonly task: Task }
  /** `task.scheduleAt` is the instant of the next attempt. */
  | { readonly kind: 'retry'; readonly task: Task }
  /** The retry policy allows no further attempt. */
  | { readonly kind: 'exhausted'; readonly task: Task };

/** The task with an attempt under way: counted, dispatched at `now`. */
export function startAttempt(task: Task, scheduleAt: number, now: number): Task {
  return {
    ...task,
    scheduleAt,
    dispatchCount: task.dispatchCount + 1,
    firstAttempt: task.firstAttempt ?? { dispatchAt: now },
    lastAttempt: { scheduleAt, dispatchAt: now },
  };
}

export interface AttemptEnd {
  readonly now: number;
  /** Where the wait before the next attempt is counted from. */
  readonly retryFrom: number;
  /** How long the task may stay in its queue; 31 days unless given. */
  readonly retentionMs?: number;
  /** What is recorded of the result. */
  readonly status: ResponseStatus;
}

/** Ends the task's last attempt. */
export function concludeAttempt(
  task: Task,
  result: DispatchResult,
  config: RetryConfig,
  { now, retryFrom, retentionMs, status }: AttemptEnd,
): Conclusion {
  const httpStatus = httpStatusOf(task, result);
  const recorded: Task = {
    ...countResponse(task, result),
    previousHttpStatus: httpStatus,
    lastAttempt: {
      ...task.lastAttempt,
      dispatchAt: task.lastAttempt?.dispatchAt ?? now,
      responseAt: now,
      responseStatus: status,
    },
  };
  if (isSuccess(result)) return { kind: 'completed', task: recorded };
  const history = {
    attempts: recorded.dispatchCount,
    createAt: recorded.createAt,
    firstAttemptAt: recorded.firstAttempt?.dispatchAt ?? now,
    ...(retentionMs !== undefined && { retentionMs }),
  };
  if (isExhausted(config, history, now)) return { kind: 'exhausted', task: recorded };
  const backoffAt = retryFrom + backoffMs(config, recorded.dispatchCount);
  const scheduleAt = Math.max(backoffAt, askedForAt(result, config, now));
  return { kind: 'retry', task: { ...recorded, scheduleAt } };
}

/** When the target asked to be called again (`Retry-After`). The queue's `maxBackoff` is the longest wait that it can ask for. */
function askedForAt(result: DispatchResult, { maxBackoffMs }: RetryConfig, now: number): number {
  if (result.kind !== 'response' || result.retryAfterMs === undefined) return Number.NEGATIVE_INFINITY;
  return now + Math.min(result.retryAfterMs, maxBackoffMs);
}

/** The task with a response counted, if `result` is one. */
export function countResponse(task: Task, result: DispatchResult): Task {
  if (result.kind !== 'response') return task;
  const isServerError = result.httpStatus >= 500 && result.httpStatus <= 599;
  return {
    ...task,
    responseCount: task.responseCount + 1,
    executionCount: task.executionCount + (isServerError ? 0 : 1),
  };
}

export function isSuccess(result: DispatchResult): boolean {
  return result.kind === 'response' && result.httpStatus >= 200 && result.httpStatus <= 299;
}

/** The status that the next attempt's headers report. App Engine tells of a timeout as 0, HTTP targets as 504. */
function httpStatusOf(task: Task, result: DispatchResult): number {
  switch (result.kind) {
    case 'response':
      return result.httpStatus;
    case 'timeout':
      return task.target.kind === 'appEngine' ? 0 : 504;
    case 'unreachable':
      return 0;
  }
}

const UNKNOWN = [2, 'UNKNOWN'] as const;

/** The two codes that HTTP has 409 for. Which of them the service records is not known. */
export type ConflictCode = 'ABORTED' | 'ALREADY_EXISTS';

const CONFLICT_CODES: Readonly<Record<ConflictCode, number>> = { ABORTED: 10, ALREADY_EXISTS: 6 };

const RPC_CODES: Readonly<Record<number, readonly [code: number, name: string]>> = {
  400: [3, 'INVALID_ARGUMENT'],
  401: [16, 'UNAUTHENTICATED'],
  403: [7, 'PERMISSION_DENIED'],
  404: [5, 'NOT_FOUND'],
  429: [8, 'RESOURCE_EXHAUSTED'],
  499: [1, 'CANCELLED'],
  500: [13, 'INTERNAL'],
  501: [12, 'UNIMPLEMENTED'],
  503: [14, 'UNAVAILABLE'],
  504: [4, 'DEADLINE_EXCEEDED'],
};

/** The `google.rpc.Status` that the service records for the end of an attempt. */
export function responseStatusOf(
  result: DispatchResult,
  conflictCode: ConflictCode = 'ABORTED',
): ResponseStatus {
  if (isSuccess(result)) return { code: 0, message: '' };
  const httpStatus = result.kind === 'response' ? result.httpStatus : result.kind === 'timeout' ? 504 : 0;
  const [code, name] =
    httpStatus === 409 ? [CONFLICT_CODES[conflictCode], conflictCode] : (RPC_CODES[httpStatus] ?? UNKNOWN);
  return { code, message: `${name}(${code}): HTTP status code ${httpStatus}` };
}
