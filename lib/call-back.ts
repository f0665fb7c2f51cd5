import { callHandler } from './call-handler.ts';
import type { OwedCallback } from './core/owed.ts';
import { keepOwed, settleOwed } from './core/owing.ts';
import type { IterativeTask } from './core/definition.ts';
import type { CallbackDelivery } from './core/delivery.ts';
import { errorRecord, PageturnerError } from './core/errors.ts';
import { derivedTaskId } from './core/names.ts';
import { parseParameters } from './core/parameters.ts';
import type { Run, RunChange } from './core/run.ts';
import { mustBelongTo } from './core/turn-rules.ts';
import { drainOwed, drainRun } from './drain.ts';
import { taken, withReport } from './dry-run.ts';
import { Effects } from './effects.ts';
import type { Attempt, Ports } from './ports.ts';
import { remedyForRun } from './run-failed.ts';

/** How a callback ended; each of these is an answer of 2xx. `given-up`: it has failed as often as it may. */
export type CallbackOutcome = 'called' | 'replayed' | 'given-up' | 'restarted' | 'void';

/**
 * Makes the next callback that a run owes (`onPause`, `onCancel` or `onError`), and commits what it asks for together with the word that it
 * was made: so it takes effect once. Whatever becomes of it, the state of the run stays as it is.
 *
 * @param attempt which attempt of the queue this is, if a queue delivers
 * @throws PageturnerError `too-early`, and what the callback, the database or the queue throws: the delivery must come again.
 */
export async function callBack(
  task: IterativeTask,
  delivery: CallbackDelivery,
  ports: Ports,
  attempt?: Attempt,
): Promise<CallbackOutcome> {
  const { store, clock, log } = ports;
  const where = { task: task.name, run: delivery.run };
  const found = await store.getRun(delivery.run);
  if (found === undefined) {
    log.write('WARNING', 'A callback of an unknown run was dropped', where);
    return 'void';
  }
  const { run } = found;
  mustBelongTo(task, run);
  const [owed] = run.owed ?? [];
  if (owed === undefined || owed.number > delivery.number) {
    await drainRun(run, ports);
    return 'replayed';
  }
  if (owed.number < delivery.number || owed.epoch < delivery.epoch)
    throw new PageturnerError('too-early', `Callback ${delivery.number} of run ${run.id} is not due yet.`);
  if (owed.epoch > delivery.epoch) {
    // Whoever began it anew may have died before it enqueued that.
    await drainOwed(run, ports.queue);
    return 'void';
  }

  const effects = new Effects([run.id, 'callback', owed.number], () => clock.now());
  let change: RunChange | undefined;
  try {
    await call(task, run, owed, effects, ports);
    const { writes, children, report } = taken(run, effects);
    change = await store.changeRun(
      run.id,
      (now) => withReport(settleOwed(now.run, delivery, clock.now(), { children }), report),
      writes,
    );
  } catch (error) {
    return await callbackFailed(error, { task, run, owed, attempt }, ports);
  }
  // Another delivery was quicker: look again.
  if (change?.run === undefined) return await callBack(task, delivery, ports, attempt);
  await drainRun(change.run, ports);
  return 'called';
}

async function call(
  task: IterativeTask,
  run: Run,
  owed: OwedCallback,
  effects: Effects,
  ports: Ports,
): Promise<void> {
  const { name, number, cause, error } = owed;
  if (name === 'parent') {
    if (run.parent !== undefined) await ports.store.endChild(run.parent, failureOf(owed));
    return;
  }
  const params = paramsIfTheyFit(task, run);
  await callHandler({ task, queue: run.queue, handler: name, effects }, ports.clock, async (deadline) => {
    const context = {
      ...effects.context(ports.store.db, deadline),
      params,
      runId: run.id,
      dryRun: run.isDryRun === true,
      at: new Date(cause.at),
      by: cause.by,
      reason: cause.reason,
      idempotencyKey: derivedTaskId(run.id, 'callback', number),
    };
    switch (name) {
      case 'onPause':
        await task.onPause?.(context);
        return;
      case 'onCancel':
        await task.onCancel?.(context);
        return;
      case 'onError':
        await task.onFailed?.({ ...context, error: error ?? { message: 'unknown', at: cause.at } });
    }
  });
}

/** A callback that tells of a misfit must not fail of it. */
function paramsIfTheyFit(task: IterativeTask, run: Run): unknown {
  try {
    return parseParameters(task.name, task.params, JSON.parse(run.params));
  } catch (error) {
    if (error instanceof PageturnerError) return undefined;
    throw error;
  }
}

/** Undefined for a run that has ended well. */
function failureOf({ state, error }: OwedCallback): string | undefined {
  return state === 'completed' ? undefined : (error?.message ?? `its run was ${state}`);
}

/** Time for what was at fault to come back. */
const restartDelayMs = 30_000;

/** A callback has no smaller part to try, and those behind it wait: time that ran out counts as a failure of its own. */
function blamed(error: unknown): unknown {
  const isTimeOver = error instanceof PageturnerError && error.code === 'deadline-exceeded';
  return isTimeOver ? new Error(error.message) : error;
}

/** A failure of the user's code is counted, and the last of its budget gives the callback up; one of the platform is not. */
async function callbackFailed(
  error: unknown,
  {
    task,
    run,
    owed,
    attempt,
  }: {
    readonly task: IterativeTask;
    readonly run: Run;
    readonly owed: OwedCallback;
    readonly attempt: Attempt | undefined;
  },
  ports: Ports,
): Promise<'given-up' | 'restarted'> {
  const { store, clock, log } = ports;
  const at = clock.now();
  const failures = owed.failures ?? 0;
  const remedy = await remedyForRun(blamed(error), failures, task, attempt);
  const callbackError = { ...errorRecord(error, at), callback: owed.name };
  const change = await store
    .changeRun(run.id, ({ run: now }) => {
      switch (remedy) {
        case 'fail':
          return settleOwed(now, owed, at, { callbackError });
        case 'count':
          return keepOwed(now, owed, at, { callbackError, failures: failures + 1 });
        case 'restart':
          return keepOwed(now, owed, at, {
            callbackError,
            epoch: owed.epoch + 1,
            notBefore: at + restartDelayMs,
          });
        case 'again':
          return keepOwed(now, owed, at, { callbackError });
      }
    })
    // For people who look at the run. If it cannot be kept, the error itself still has the delivery come again.
    .catch(() => undefined);
  if (change?.run === undefined || remedy === 'count' || remedy === 'again') throw error;
  await drainRun(change.run, ports);
  log.write('ERROR', `${owed.name} failed: ${callbackError.message}`, { task: task.name, run: run.id });
  return remedy === 'fail' ? 'given-up' : 'restarted';
}
