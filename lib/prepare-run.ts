import type { Query } from '@google-cloud/firestore';
import { callHandler } from './call-handler.ts';
import type { IterativeTask } from './core/definition.ts';
import type { RunDelivery } from './core/delivery.ts';
import { changeIfSame } from './change-if-same.ts';
import { childrenOf } from './core/control.ts';
import { derivedTaskId } from './core/names.ts';
import type { OutboxTask } from './core/outbox.ts';
import { newShard, type Run, type RunChange, type RunRecords } from './core/run.ts';
import { transition } from './core/transition.ts';
import { mustBelongTo, turnTask } from './core/turn-rules.ts';
import { fitOf } from './core/version-rules.ts';
import { drain, drainRun } from './drain.ts';
import { taken, withReport } from './dry-run.ts';
import { Effects } from './effects.ts';
import { findBoundaries } from './find-boundaries.ts';
import type { Attempt, Ports, RunStore } from './ports.ts';
import { queryOf } from './query-of.ts';
import { refuseRun } from './refuse-run.ts';
import { runFailed } from './run-failed.ts';

/** How a preparation ended; each of these is an answer of 2xx. */
export type PrepareOutcome = 'prepared' | 'continued' | 'replayed' | 'void' | 'failed' | 'restarted';

/**
 * Draws the shards of a run, freezes them in it, and begins each shard's chain. It takes effect once: of two preparations at the same
 * time one is void.
 *
 * A failure of the user's code (`query`, `onStart`) is tried again, until the budget is used up or the queue gives up.
 *
 * @param attempt which attempt of the queue this is, if a queue delivers
 * @throws what the query, the database or the queue throws: the delivery must come again.
 */
export async function prepareRun(
  task: IterativeTask,
  delivery: RunDelivery,
  ports: Ports,
  attempt?: Attempt,
): Promise<PrepareOutcome> {
  const { store, queue, clock, log } = ports;
  const where = { task: task.name, run: delivery.run };
  const found = await store.getRun(delivery.run);
  if (found === undefined) {
    log.write('WARNING', 'The preparation of an unknown run was dropped', where);
    return 'void';
  }
  mustBelongTo(task, found.run);
  if (delivery.epoch > found.run.epoch) return 'void';
  if (delivery.epoch < found.run.epoch) return await replayOlder(found, ports);
  if (found.run.state !== 'starting') return await replay(found, ports);
  const fit = fitOf(task, found.run);
  if (fit.kind === 'misfit') {
    await refuseRun(task, found.run.id, ports);
    return await prepareRun(task, delivery, ports, attempt);
  }

  let plan: Plan | 'continued' | undefined;
  try {
    plan = await draw(task, found.run, fit.params, ports);
  } catch (error) {
    return await runFailed(error, { task, run: found.run, attempt }, ports);
  }
  if (plan === 'continued') return plan;
  if (plan === undefined) return await prepareRun(task, delivery, ports, attempt);
  const effects = new Effects([found.run.id, 'start'], () => clock.now());
  let change: RunChange | undefined;
  try {
    await callOnStart({ task, run: found.run, params: fit.params }, plan, effects, ports);
    const { writes, children, report } = taken(found.run, effects);
    change = await changeIfSame(
      found.run,
      store,
      ({ run }) => withReport(prepared(run, plan, children, clock.now()), report),
      writes,
    );
  } catch (error) {
    return await runFailed(error, { task, run: found.run, attempt }, ports);
  }
  // Another delivery was quicker, and may have died before it enqueued anything: look again.
  if (change === undefined) return await prepareRun(task, delivery, ports, attempt);
  // No page begins before all that onStart started is enqueued.
  if (change.run !== undefined) await drainRun(change.run, ports);
  await Promise.all((change.shards ?? []).map(async (shard) => await drain(shard.outbox, queue)));
  return 'prepared';
}

interface Plan {
  readonly boundaries: readonly string[];
  readonly total?: number;
}

/** Undefined when the run has changed meanwhile. */
async function draw(
  task: IterativeTask,
  run: Run,
  params: unknown,
  ports: Ports,
): Promise<Plan | 'continued' | undefined> {
  const { store } = ports;
  const query = queryOf(task, params, store.db);
  if (run.shards > 1) {
    const drawing = await findBoundaries(query, run, ports);
    if (drawing === undefined || drawing === 'continued') return drawing;
    return await counted(task, query, drawing, store);
  }
  return await counted(task, query, { boundaries: [] }, store);
}

/** With the number of documents, if the run is to have it: finding the boundaries counts them as well. */
async function counted(
  { countTotal }: IterativeTask,
  query: Query,
  { boundaries, total }: Plan,
  store: RunStore,
): Promise<Plan> {
  return countTotal ? { boundaries, total: total ?? (await store.count(query)) } : { boundaries };
}

async function callOnStart(
  { task, run, params }: { readonly task: IterativeTask; readonly run: Run; readonly params: unknown },
  { total }: Plan,
  effects: Effects,
  { store, clock }: Ports,
): Promise<void> {
  if (task.onStart === undefined) return;
  const call = { task, queue: run.queue, handler: 'onStart', effects };
  await callHandler(call, clock, async (deadline) => {
    const context = {
      ...effects.context(store.db, deadline),
      params,
      runId: run.id,
      dryRun: run.isDryRun === true,
      total,
      idempotencyKey: derivedTaskId(run.id, 'start'),
    };
    await task.onStart?.(context);
  });
}

/**
 * A crash may have kept the task that goes on with the preparation from being enqueued; or the first turns, and the run was stopped since.
 */
async function replayOlder({ run, shards }: RunRecords, ports: Ports): Promise<PrepareOutcome> {
  if (run.state === 'starting') {
    await drainRun(run, ports);
    return 'replayed';
  }
  const begun = shards.filter(({ state, turn }) => state === 'running' && turn === 0);
  for (const { outbox } of begun) await drain(outbox, ports.queue);
  return begun.length === 0 ? 'void' : 'replayed';
}

/** The run with its shards, each with its first turn to enqueue. */
function prepared(run: Run, plan: Plan, children: readonly OutboxTask[], now: number): RunChange {
  const {
    drawing: _,
    error: __,
    failures: ___,
    ...begun
  } = transition(run, 'prepared', { at: now, by: 'worker' });
  const outbox = [...childrenOf(run, run), ...children];
  const after: Run = { ...begun, ...plan, outbox, shards: plan.boundaries.length + 1, updatedAt: now };
  const shards = Array.from({ length: after.shards }, (_, index) => newShard(index, now));
  return {
    run: after,
    shards: shards.map((shard) => ({ ...shard, outbox: [turnTask(after, shard)] })),
  };
}

/** A crash may have kept the first turns from being enqueued. */
async function replay({ run, shards }: RunRecords, ports: Ports): Promise<PrepareOutcome> {
  await drainRun(run, ports);
  for (const shard of shards) if (shard.turn === 0) await drain(shard.outbox, ports.queue);
  return 'replayed';
}
