import type {
  AppEngineRouting,
  Authorization,
  HttpMethod,
  QueueHttpTarget,
  RateLimits,
  RetryConfig,
} from './model.ts';

/** `T` with every field optional: what a caller may leave out, the service fills in. */
export type Input<T> = { readonly [K in keyof T]?: T[K] | undefined };

/**
 * What a caller may say about a queue. Output-only fields (state, purge time) are not part of it. As on the wire, a count or rate
 * of 0 stands for "not given"; a duration of 0 is a value.
 */
export interface QueueInput {
  /** Full resource name. */
  readonly name?: string | undefined;
  readonly rateLimits?: Input<RateLimits> | undefined;
  readonly retryConfig?: Input<RetryConfig> | undefined;
  readonly appEngineRoutingOverride?: AppEngineRouting | undefined;
  readonly loggingSamplingRatio?: number | undefined;
  readonly httpTarget?: QueueHttpTarget | undefined;
  /** Whether it is a pull queue. That is settled when the queue is created. */
  readonly isPull?: boolean | undefined;
  readonly taskTtlMs?: number | undefined;
  readonly tombstoneTtlMs?: number | undefined;
}

export interface HttpTargetInput {
  readonly kind: 'http';
  readonly url?: string | undefined;
  /** Default POST. */
  readonly method?: HttpMethod | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  readonly authorization?: Authorization | undefined;
}

export interface AppEngineTargetInput {
  readonly kind: 'appEngine';
  /** Path with query, beginning with `/`. Default `/`. */
  readonly relativeUri?: string | undefined;
  /** Default POST. */
  readonly method?: HttpMethod | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  readonly routing?: AppEngineRouting | undefined;
}

export interface PullMessageInput {
  readonly kind: 'pull';
  readonly body?: Uint8Array | undefined;
  readonly tag?: string | undefined;
}

export type TargetInput = HttpTargetInput | AppEngineTargetInput | PullMessageInput;

/** What a caller may say about a task. Output-only fields (counts, attempts, create time) are not part of it. */
export interface TaskInput {
  /** Full resource name; the service makes one up if there is none. */
  readonly name?: string | undefined;
  readonly target?: TargetInput | undefined;
  /** Earliest instant of the first attempt; default now. */
  readonly scheduleAt?: number | undefined;
  /** Default 10 minutes. */
  readonly dispatchDeadlineMs?: number | undefined;
  /** Outranks the queue's. */
  readonly retryConfig?: Input<RetryConfig> | undefined;
}
