import type { CallbackDelivery } from './delivery.ts';
import type { ErrorRecord } from './errors.ts';
import { derivedTaskId } from './names.ts';
import type { OutboxTask } from './outbox.ts';
import type { CallbackName, OwedCallback, OwedName } from './owed.ts';
import type { Run, RunChange } from './run.ts';
import { hasEnded } from './run-state.ts';

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
  const outbox = [...children, ...run.outbox];
  return { run: { ...rest, ...left, ...kept, updatedAt: now, outbox }, reliesOn: 'written' };
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
  const owed = [{ ...next, ...changes }, ...others];
  return { run: { ...run, ...kept, updatedAt: now, owed }, reliesOn: 'written' };
}

function isSame(owed: OwedCallback | undefined, { number, epoch }: Place): boolean {
  return owed?.number === number && owed.epoch === epoch;
}
