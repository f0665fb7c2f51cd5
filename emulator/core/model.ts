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

/** How a queue changes the URL of its HTTP tasks. A part that is absent stays as the task has it. */
export interface UriOverride {
  readonly scheme?: 'http' | 'https';
  readonly host?: string;
  /** 0 takes the port away. */
  readonly port?: number;
  /** The empty string takes the path away. */
  readonly path?: string;
  /** Without the question mark; the empty string takes the query away. */
  readonly query?: string;
  /** `ifNotExists`: only parts that the task's URL lacks are filled in. */
  readonly mode: 'always' | 'ifNotExists';
}

/** What a queue lays down for all of its HTTP tasks, in place of what they say themselves. */
export interface QueueHttpTarget {
  readonly uri?: UriOverride;
  readonly method?: HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly authorization?: Authorization;
}

export interface IamBinding {
  readonly role: string;
  readonly members: readonly string[];
}

/** Who may do what with a queue. The emulator keeps it and asks nobody for it. */
export interface IamPolicy {
  readonly version: number;
  readonly bindings: readonly IamBinding[];
  /** Changes with each change of the policy. */
  readonly etag: string;
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
  readonly httpTarget?: QueueHttpTarget;
  /** A pull queue dispatches nothing: workers lease its tasks. Absent: a push queue. */
  readonly isPull?: true;
  /** How long a task may stay in the queue; absent: 31 days. */
  readonly taskTtlMs?: number;
  /** How long the name of a task that is gone stays taken; absent: as the emulator is set. */
  readonly tombstoneTtlMs?: number;
  readonly iamPolicy?: IamPolicy;
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

/** A task of a pull queue. */
export interface PullMessage {
  readonly kind: 'pull';
  readonly body: Uint8Array;
  readonly tag?: string;
}

/** Where a task of a push queue is delivered. */
export type PushTarget = HttpTarget | AppEngineTarget;

export type Target = PushTarget | PullMessage;

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
  /** Outranks the queue's. */
  readonly retryConfig?: RetryConfig;
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

/** A task that is delivered, as all are but those of pull queues. */
export interface PushTask extends Task {
  readonly target: PushTarget;
}
