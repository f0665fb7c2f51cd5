import type { AppEngineRouting, PushTask, Queue } from './model.ts';

/** One delivery that the engine asks for. The dispatcher turns it into an HTTP request and reports how it ended. */
export interface DispatchRequest {
  readonly queue: Queue;
  /** The task as it was when the attempt began (counts are those before this attempt), with its queue's HTTP target laid over it. */
  readonly task: PushTask;
  /** This attempt's schedule time, for the `TaskETA` header. */
  readonly scheduleAt: number;
  readonly routing?: AppEngineRouting;
}

export type DispatchResult =
  | { readonly kind: 'response'; readonly httpStatus: number; readonly retryAfterMs?: number }
  /** The deadline passed with no full response. */
  | { readonly kind: 'timeout' }
  /** No connection, or it broke before a response. `reason` says how, for people. */
  | { readonly kind: 'unreachable'; readonly reason: string };

/** Performs one attempt. It never rejects: every fault is a `DispatchResult`. */
export type Dispatch = (request: DispatchRequest, signal: AbortSignal) => Promise<DispatchResult>;
