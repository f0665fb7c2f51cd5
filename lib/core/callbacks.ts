import type { CallbackContext, ErrorContext, StartContext } from './context.ts';

/** What a task does about events of its runs, beside `onComplete`. */
export interface Callbacks<P> {
  /**
   * Called when the shards of a run are drawn. What it writes and starts through `ctx` takes effect exactly once, in the transaction with
   * which the run begins: before its first page. A failure is tried again up to `maxFailures` times, and ends the run `failed` then.
   */
  onStart?(ctx: StartContext<P>): void | Promise<void>;
  /**
   * Called each time the run has come to a stand, exactly once in Firestore's terms: also when it was resumed meanwhile. A failure is
   * tried again up to `maxFailures` times, kept as `callbackError` of the run, and changes nothing else.
   */
  onPause?(ctx: CallbackContext<P>): void | Promise<void>;
  /** Called when the run is canceled and has stopped; as `onPause`. */
  onCancel?(ctx: CallbackContext<P>): void | Promise<void>;
}

/** Called each time the run has ended `failed`; as `onPause`. */
export type OnFailed<P> = { run(ctx: ErrorContext<P>): void | Promise<void> }['run'];
