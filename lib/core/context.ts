import type {
  DocumentData,
  DocumentReference,
  Firestore,
  PartialWithFieldValue,
  SetOptions,
  UpdateData,
  WithFieldValue,
} from '@google-cloud/firestore';
import type { z } from 'zod';
import type { AnyTask } from './definition.ts';
import type { ErrorRecord } from './errors.ts';

/** When and where a child task runs. */
export interface ChildOptions {
  /** A queue other than the task's own. */
  readonly queue?: string;
  /** Seconds to wait before it runs; not together with `at`. */
  readonly delay?: number;
  /** The moment before which it does not run; at most 30 days ahead. */
  readonly at?: Date;
}

/** What every handler is given. */
export interface HandlerContext {
  readonly db: Firestore;
  /** Aborted when the handler's time is over. Pass it on to what can be stopped. */
  readonly signal: AbortSignal;
  /** Milliseconds that the handler has left; never below 0. */
  remaining(): number;
  /**
   * The same text for every delivery of the same work, and for no other work. Give it to services that take an idempotency key, or
   * derive document ids from it.
   */
  readonly idempotencyKey: string;
  /**
   * Starts another task. The parameters are checked at once; the task is enqueued when this handler's work is done, and not at all
   * if the handler fails.
   *
   * @throws PageturnerError `invalid-parameters`.
   */
  start<S extends z.ZodType>(task: AnyTask<S>, params: z.input<S>, options?: ChildOptions): void;
}

/**
 * For the `run` of a one-shot task. What it writes to `db` takes effect at once, and again when the task is delivered again. Tasks
 * that it starts are enqueued after it returned, under ids that keep a second delivery from starting them twice for as long as the
 * queue remembers names (an hour at least).
 */
export type TaskContext = HandlerContext;

/** Writes that are collected, and committed together with the progress of the run: exactly once. */
export interface WritesContext {
  set<D extends DocumentData>(ref: DocumentReference<D>, data: WithFieldValue<D>): void;
  set<D extends DocumentData>(
    ref: DocumentReference<D>,
    data: PartialWithFieldValue<D>,
    options: SetOptions,
  ): void;
  update<D extends DocumentData>(ref: DocumentReference<unknown, D>, data: UpdateData<D>): void;
  /** The commit fails, and the page with it, if the document exists. */
  create<D extends DocumentData>(ref: DocumentReference<D>, data: WithFieldValue<D>): void;
  delete(ref: DocumentReference<unknown>): void;
}

/** For `page` and `each`. */
export interface PageContext<P, T = unknown> extends HandlerContext, WritesContext {
  readonly params: P;
  readonly runId: string;
  /**
   * Whether nothing of what is asked for through `ctx` will be done: heed it where the handler acts by other ways (mail, other services,
   * writes by `db` itself).
   */
  readonly dryRun: boolean;
  /**
   * What this shard carries from page to page; undefined for a task without `state`. Replace it or change it in place: in the page's own
   * commit it is kept as JSON. A page, or in `each` a document, that fails leaves it as it was.
   */
  state: T;
  /**
   * Sets a document of the page aside, with the reason: in the page's own commit it is written to `pageturnerRuns/{run}/setAside`,
   * and counts as quarantined instead of processed. What was asked for on its behalf stays asked for.
   *
   * @throws Error when the document is not of this page, or in `each` not the one that it was called for.
   */
  quarantine(document: { readonly ref: { readonly path: string } }, reason: string): void;
  /**
   * For an `exclusive` task, a number that grows with each delivery that holds the shard: give it to services that refuse a number
   * lower than one that they have seen. Undefined for other tasks.
   */
  readonly fencingToken: number | undefined;
}

/** For `onComplete`. */
export interface CompletionContext<P, T = unknown> extends HandlerContext, WritesContext {
  readonly params: P;
  readonly runId: string;
  /** See `PageContext`. */
  readonly dryRun: boolean;
  /** Documents that the run has handled. */
  readonly processed: number;
  /** The states of all shards, reduced in their order: the run's result. Undefined for a task without `state`. */
  readonly state: T;
  /** Tasks that its pages started and that did not end well. Always 0 without `waitForChildren`. */
  readonly failedChildren: number;
}

/** For `onStart`. */
export interface StartContext<P> extends HandlerContext, WritesContext {
  readonly params: P;
  readonly runId: string;
  /** See `PageContext`. */
  readonly dryRun: boolean;
  /** How many documents the query has; undefined where they are not counted. */
  readonly total: number | undefined;
}

/** For `onPause` and `onCancel`: what happened, which may be some time ago. */
export interface CallbackContext<P> extends HandlerContext, WritesContext {
  /** Undefined where the task's schema does not take them: that may be why the run was paused. */
  readonly params: P | undefined;
  readonly runId: string;
  /** See `PageContext`. */
  readonly dryRun: boolean;
  readonly at: Date;
  /** Who did it: an e-mail address, `code`, `worker` or `healer`. */
  readonly by: string;
  readonly reason: string | undefined;
}

/** For `onError`. */
export interface ErrorContext<P> extends CallbackContext<P> {
  /** What ended the run. */
  readonly error: ErrorRecord;
}
