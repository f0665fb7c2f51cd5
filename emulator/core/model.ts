/**
 * The words of the service, free of any API version. Instants (`...At`) are milliseconds since 1970 and may carry a fraction
 * (the service keeps microseconds); durations (`...Ms`) are milliseconds.
 */

export type QueueState = 'RUNNING' | 'PAUSED' | 'DISABLED';

export interface RateLimits {
  /** Tokens that flow into the bucket each second; may be a fraction. */
  readonly maxDispatchesPerSecond: number;
  /** Size of the bucket: how many tasks may leave at once after a quiet time. */
  readonly maxBurstSize: number;
  /** Attempts that may be waiting for their response at the same time. */
  readonly maxConcurrentDispatches: number;
}

export interface RetryConfig {
  /** Attempts in all, the first one included; -1 means no limit. */
  readonly maxAttempts: number;
  /** Time since the first attempt after which no retry starts; 0 means no limit. */
  readonly maxRetryDurationMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly maxDoublings: number;
}

export interface AppEngineRouting {
  readonly service?: string;
  readonly version?: string;
  readonly instance?: string;
  readonly host?: string;
}

export interface Queue {
  /** Full resource name, `projects/P/locations/L/queues/Q`. */
  readonly name: string;
  readonly state: QueueState;
  readonly rateLimits: RateLimits;
  readonly retryConfig: RetryConfig;
  /** The last purge: tasks created before it are gone. */
  readonly purgeAt?: number;
  readonly appEngineRoutingOverride?: AppEngineRouting;
  /** Share of operations that the real service would write to Cloud Logging, 0 to 1. */
  readonly loggingSamplingRatio?: number;
}

export type HttpMethod = 'POST' | 'GET' | 'HEAD' | 'PUT' | 'DELETE' | 'PATCH' | 'OPTIONS';

export type Authorization =
  | { readonly kind: 'oidc'; readonly serviceAccountEmail: string; readonly audience?: string }
  | { readonly kind: 'oauth'; readonly serviceAccountEmail: string; readonly scope?: string };

export interface HttpTarget {
  readonly kind: 'http';
  readonly url: string;
  readonly method: HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly authorization?: Authorization;
}

export interface AppEngineTarget {
  readonly kind: 'appEngine';
  readonly relativeUri: string;
  readonly method: HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly routing?: AppEngineRouting;
}

export type Target = HttpTarget | AppEngineTarget;

/** A `google.rpc.Status` as it stands in an attempt's record. */
export interface ResponseStatus {
  readonly code: number;
  readonly message: string;
}

export interface Attempt {
  readonly scheduleAt?: number;
  readonly dispatchAt: number;
  readonly responseAt?: number;
  readonly responseStatus?: ResponseStatus;
}

export interface Task {
  /** Full resource name, `projects/P/locations/L/queues/Q/tasks/T`. */
  readonly name: string;
  readonly target: Target;
  /** When the next attempt is due. */
  readonly scheduleAt: number;
  readonly createAt: number;
  readonly dispatchDeadlineMs: number;
  /** Attempts started. */
  readonly dispatchCount: number;
  /** Attempts that got a response. */
  readonly responseCount: number;
  /** Responses outside 500-599: what `X-CloudTasks-TaskExecutionCount` reports. */
  readonly executionCount: number;
  readonly firstAttempt?: Attempt;
  readonly lastAttempt?: Attempt;
  /** HTTP status of the attempt before, for the `PreviousResponse` header; absent before the first retry. */
  readonly previousHttpStatus?: number;
}
