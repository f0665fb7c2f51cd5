import { callHandler } from './call-handler.ts';
import type { CompletionContext } from './core/context.ts';
import { childrenOf } from './core/control.ts';
import type { IterativeTask } from './core/definition.ts';
import type { RunDelivery } from './core/delivery.ts';
import { derivedTaskId } from './core/names.ts';
import { reducedState, stateFromText } from './core/result.ts';
import { followerOf } from './core/repetition.ts';
import type { Run, RunChange, RunRecords } from './core/run.ts';
import { transition } from './core/transition.ts';
import { isStopping } from './core/run-state.ts';
import { mustBelongTo } from './core/turn-rules.ts';
import { fitOf } from './core/version-rules.ts';
import { drainRun } from './drain.ts';
import { taken, withReport, type Taken } from './dry-run.ts';
import { Effects } from './effects.ts';
import type { Attempt, Ports } from './ports.ts';
import { refuseRun } from './refuse-run.ts';
import { runFailed } from './run-failed.ts';
import { stopRun } from './stop-run.ts';
import { waitForChildren } from './track-children.ts';
import { held, mayBeAtWorkUntil } from './wait-for-others.ts';

/** How a completion ended; each of these is an answer of 2xx. */
export type CompleteOutcome =
  'completed' | 'replayed' | 'parked' | 'waiting' | 'void' | 'failed' | 'restarted';

/**
 * Completes a run whose shards are all done: calls `onComplete` and commits what it asks for together with the run's last state, so
 * that it takes effect once. It never touches a document again, however often `onComplete` fails.
 *
 * A failure is tried again, until those of the user's code have used up their budget or the queue gives up.
 *
 * @param attempt which attempt of the queue this is, if a queue delivers
 * @throws PageturnerError `held`, and what `onComplete`, the database or the queue throws: the delivery must come again.
 */
export async function completeRun(
  task: IterativeTask,
  delivery: RunDelivery,
  ports: Ports,
  attempt?: Attempt,
): Promise<CompleteOutcome> {
  const { store, clock, log } = ports;
  const where = { task: task.name, run: delivery.run };
  const found = await store.getRun(delivery.run);
  if (found === undefined) {
    log.write('WARNING', 'The completion of an unknown run was dropped', where);
    return 'void';
  }
  const { run } = found;
  mustBelongTo(task, run);
  if (isStopping(run.state)) return await stopCut(run, delivery, ports, attempt);
  if (run.epoch !== delivery.epoch) {
    // The delivery that had the completion come again later may have died before it enqueued that.
    if (run.state === 'completing') await drainRun(run, ports);
    return 'void';
  }
  if (run.state === 'completed') {
    await drainRun(run, ports);
    return 'replayed';
  }
  if (run.state !== 'completing') return 'void';

  const fit = fitOf(task, run);
  if (fit.kind === 'misfit') {
    await refuseRun(task, run.id, ports);
    return await completeRun(task, delivery, ports, attempt);
  }
  if (task.waitForChildren === true && (await store.openChildren(run.id, null, 1)).length > 0) {
    // Somebody paused the run meanwhile, say: look again.
    return (await waitForChildren(run, ports)) ?? (await completeRun(task, delivery, ports, attempt));
  }

  const processed = found.shards.reduce((sum, shard) => sum + shard.processed, 0);
  const effects = new Effects([run.id, 'finish'], () => clock.now());
  let change: RunChange | undefined;
  try {
    const result = reducedState(task, found.shards);
    const children =
      task.waitForChildren === true ? { failedChildren: await store.countFailedChildren(run.id) } : {};
    const totals = { processed, ...children, ...(result === undefined ? {} : { result }) };
    await callOnComplete({ task, run, params: fit.params, totals, effects }, ports);
    const { writes, children: started, report } = taken(run, effects);
    change = await store.changeRun(
      run.id,
      (now) =>
        withReport(completed(now, task, delivery, { ...totals, children: started }, clock.now()), report),
      writes,
    );
  } catch (error) {
    return await runFailed(error, { task, run, attempt }, ports);
  }
  // Somebody paused the run meanwhile, say: look again.
  if (change?.run === undefined) return await completeRun(task, delivery, ports, attempt);
  log.write('INFO', 'The run completed', { ...where, processed });
  await drainRun(change.run, ports);
  return 'completed';
}

/**
 * A run that is to stand still and was completing does when the completion that was cut is not at work. A duplicate of it must not have it
 * stop under the one that calls `onComplete`, nor may a completion from before that one.
 */
async function stopCut(
  { id, cutCompletion }: Run,
  { epoch }: RunDelivery,
  ports: Ports,
  attempt: Attempt | undefined,
): Promise<'parked' | 'void'> {
  if (epoch !== cutCompletion) return 'void';
  const now = ports.clock.now();
  // With the time at which it was written.
  const found = await ports.store.readTurn(id, 0);
  const until = found && (await mayBeAtWorkUntil(found.run, attempt, now));
  if (found !== undefined && until !== undefined) throw held(found.run.value, until - now);
  await stopRun(id, { by: 'worker', completionOver: epoch }, ports);
  return 'parked';
}

/** What all shards came to. */
type Totals = Readonly<Pick<Run, 'result' | 'failedChildren'>> & { readonly processed: number };

/** The same, and what `onComplete` asked for. */
type Ended = Totals & Pick<Taken, 'children'>;

/** Undefined when the run is not to complete any more, or somebody else completed it. */
function completed(
  { run }: RunRecords,
  task: IterativeTask,
  { epoch }: RunDelivery,
  { children, ...toKeep }: Ended,
  now: number,
): RunChange | undefined {
  if (run.state !== 'completing' || run.epoch !== epoch) return undefined;
  const {
    error: _,
    failures: __,
    waits: ___,
    ...after
  } = transition(run, 'completed', { at: now, by: 'worker' });
  const follower = followerOf(task, run, now);
  return {
    ...(follower === undefined ? {} : { follower }),
    run: {
      ...after,
      ...(follower === undefined ? {} : { nextRun: follower.id }),
      hasCompleted: true,
      ...toKeep,
      updatedAt: now,
      outbox: [...childrenOf(run, run), ...children, ...(follower?.outbox ?? [])],
    },
    reliesOn: 'written',
  };
}

interface Completion {
  readonly task: IterativeTask;
  readonly run: Run;
  readonly params: unknown;
  readonly totals: Totals;
  readonly effects: Effects;
}

async function callOnComplete(
  { task, run, params, totals: { processed, result, failedChildren = 0 }, effects }: Completion,
  ports: Ports,
): Promise<void> {
  if (task.onComplete === undefined || run.hasCompleted === true) return;
  const state = task.state && result !== undefined ? stateFromText(task.name, task.state, result) : undefined;
  const call = { task, queue: run.queue, handler: 'onComplete', effects };
  await callHandler(call, ports.clock, async (deadline) => {
    const context: CompletionContext<unknown> = {
      ...effects.context(ports.store.db, deadline),
      params,
      runId: run.id,
      dryRun: run.isDryRun === true,
      processed,
      failedChildren,
      state,
      idempotencyKey: derivedTaskId(run.id, 'finish'),
    };
    await task.onComplete?.(context);
  });
}
