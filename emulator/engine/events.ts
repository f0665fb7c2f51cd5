import type { DispatchResult } from '../core/dispatch.ts';
import type { Queue, ResponseStatus, Task } from '../core/model.ts';

/** Why a task left its queue. `expired`: it was there for 31 days, the longest that the service keeps a task. */
export type TaskDeletedReason = 'completed' | 'exhausted' | 'expired' | 'deleted' | 'purged' | 'queueDeleted';

/**
 * What came of an attempt. `superseded`: it failed, and a later attempt (RunTask while this one was out) decides the task's future.
 * `ignored`: the task was deleted, purged or completed meanwhile.
 */
export type AttemptOutcome = 'completed' | 'retry' | 'exhausted' | 'superseded' | 'ignored';

/**
 * Why a queue sends more slowly than its settings say. `pushback`: a target answered 429 or 503. `errors`: too many attempts fail.
 * `slowStart`: it is new, was idle or was resumed, and tasks that are due wait for it to get up to its rate.
 */
export type SlowReason = 'pushback' | 'errors' | 'slowStart';

/** What the engine tells its observers, in the order in which it happens. `at` is the engine's time. */
export type EngineEvent =
  | { readonly kind: 'queueCreated'; readonly at: number; readonly queue: Queue }
  | { readonly kind: 'queueUpdated'; readonly at: number; readonly queue: Queue }
  | { readonly kind: 'queuePaused'; readonly at: number; readonly queue: Queue }
  | { readonly kind: 'queueResumed'; readonly at: number; readonly queue: Queue }
  | { readonly kind: 'queuePurged'; readonly at: number; readonly queue: Queue; readonly taskCount: number }
  | { readonly kind: 'queueDeleted'; readonly at: number; readonly queue: Queue }
  | {
      readonly kind: 'queueSlowed';
      readonly at: number;
      readonly queue: Queue;
      readonly reason: SlowReason;
      /** Dispatches a second that are in force now. */
      readonly effectiveRate: number;
    }
  | { readonly kind: 'taskCreated'; readonly at: number; readonly task: Task }
  | {
      readonly kind: 'attemptStarted';
      readonly at: number;
      /** The task with this attempt counted: `task.dispatchCount` is the attempt's number, from 1. */
      readonly task: Task;
    }
  | {
      readonly kind: 'attemptEnded';
      readonly at: number;
      /** The number of the attempt that ended, from 1. */
      readonly attempt: number;
      /** The task after this attempt; for `ignored`, as it was when the attempt began. */
      readonly task: Task;
      readonly result: DispatchResult;
      /** What is recorded of the result. */
      readonly status: ResponseStatus;
      readonly outcome: AttemptOutcome;
    }
  | {
      readonly kind: 'taskDeleted';
      readonly at: number;
      readonly taskName: string;
      readonly reason: TaskDeletedReason;
    }
  /** Everything that was there is gone, and something else is there in its place. Attempts that were out are cut off: their ends are not told. */
  | { readonly kind: 'restored'; readonly at: number }
  /** The store cannot be written: no attempt starts, and those that end are out until it can be. Told once, until it recovers. */
  | { readonly kind: 'storeFailed'; readonly at: number; readonly message: string }
  | { readonly kind: 'storeRecovered'; readonly at: number };

export type EngineListener = (event: EngineEvent) => void;
