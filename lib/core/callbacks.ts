import type { CallbackContext, ErrorContext, StartContext } from './context.ts';
import type { CallbackDelivery } from './delivery.ts';
import type { ErrorRecord } from './errors.ts';
import { derivedTaskId } from './names.ts';
import type { OutboxTask } from './outbox.ts';
import type { HistoryEntry, Run, RunChange } from './run.ts';
import { hasEnded, type RunState } from './run-state.ts';

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

/** The callbacks that are turns of their own. `onStart` and `onComplete` belong to the preparation and the completion. */
export const owedNames = ['onPause', 'onCancel', 'onError'] as const;
export type CallbackName = (typeof owedNames)[number];

/** `parent`: the word to the run which waits for this one that it has ended. */
export type OwedName = CallbackName | 'parent';

/** A callback that a run has to make. They are made one after the other, in the order of their events. */
export interface OwedCallback {
  readonly name: OwedName;
  /** Its place among all that the run has had to make. */
  readonly number: number;
  /** Raised when its task is begun anew; one of an older epoch is void. */
  readonly epoch: number;
  /** What the event made of the run. */
  readonly state: RunState;
  /** The event. */
  readonly cause: Pick<HistoryEntry, 'at' | 'by' | 'reason'>;
  /** What ended the run. */
  readonly error?: ErrorRecord;
  /** Failures of the user's code. */
  readonly failures?: number;
  /** Not before this instant. */
  readonly notBefore?: number;
}

/**
 * The run with what its new state calls for: the word to the run that waits for it, and the callback, if its task has one. The word goes
 * first: a run that waits should not have to wait for a callback that hangs.
 */
export function owing(run: Run, error?: ErrorRecord): Run {
  const callback = nameFor(run);
  const called = callback !== undefined && run.callbacks?.includes(callback) === true ? [callback] : [];
  const told = run.parent !== undefined && hasEnded(run.state) ? ['parent' as const] : [];
  return [...told, ...called].reduce((before, name) => owingOne(before, name, error), run);
}

function owingOne(run: Run, name: OwedName, error: ErrorRecord | undefined): Run {
  const event = run.history.at(-1);
  if (event === undefined) return run;
  // Who stopped it, rather than the worker that stopped last.
  const asked =
    event.event === 'stopped'
      ? run.history.findLast((entry) => entry.event === 'pause' || entry.event === 'cancel')
      : event;
  const { by, reason } = asked ?? event;
  const number = (run.lastOwed ?? 0) + 1;
  const owed: OwedCallback = {
    name,
    number,
    epoch: 0,
    state: run.state,
    cause: { at: event.at, by, ...(reason === undefined ? {} : { reason }) },
    ...(error === undefined ? {} : { error }),
  };
  return { ...run, lastOwed: number, owed: [...(run.owed ?? []), owed] };
}

function nameFor({ state }: Run): CallbackName | undefined {
  if (state === 'paused') return 'onPause';
  if (state === 'canceled') return 'onCancel';
  return state === 'failed' ? 'onError' : undefined;
}

/** The task for the callback that is to be made next. */
export function callbackTask(run: Run): OutboxTask | undefined {
  const [next] = run.owed ?? [];
  if (next === undefined) return undefined;
  const { number, epoch, notBefore } = next;
  return {
    id: derivedTaskId(run.id, 'callback', number, epoch),
    queue: run.queue,
    worker: run.task,
    delivery: { kind: 'callback', run: run.id, number, epoch },
    timeoutSeconds: run.timeoutSeconds,
    ...(notBefore === undefined ? {} : { at: notBefore }),
  };
}

type Place = Pick<CallbackDelivery, 'number' | 'epoch'>;

/** The run without a callback that is made, with the tasks that it started. Undefined when it is not that one's turn. */
export function settleOwed(
  run: Run,
  place: Place,
  now: number,
  changes: Pick<Partial<Run>, 'callbackError'> & { readonly children?: readonly OutboxTask[] } = {},
): RunChange | undefined {
  const { owed: [next, ...others] = [], ...rest } = run;
  if (!isSame(next, place)) return undefined;
  const { children = [], ...kept } = changes;
  const left = others.length === 0 ? {} : { owed: others };
  return { run: { ...rest, ...left, ...kept, updatedAt: now, outbox: [...children, ...run.outbox] } };
}

/** The run with a callback that is to be made once more. Undefined when it is not that one's turn. */
export function keepOwed(
  run: Run,
  place: Place,
  now: number,
  { callbackError, ...changes }: Partial<OwedCallback> & Pick<Partial<Run>, 'callbackError'>,
): RunChange | undefined {
  const [next, ...others] = run.owed ?? [];
  if (next === undefined || !isSame(next, place)) return undefined;
  const kept = callbackError === undefined ? {} : { callbackError };
  return { run: { ...run, ...kept, updatedAt: now, owed: [{ ...next, ...changes }, ...others] } };
}

function isSame(owed: OwedCallback | undefined, { number, epoch }: Place): boolean {
  return owed?.number === number && owed.epoch === epoch;
}
