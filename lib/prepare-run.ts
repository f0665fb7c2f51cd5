import type { IterativeTask } from './core/definition.ts';
import type { RunDelivery } from './core/delivery.ts';
import { changeIfSame } from './change-if-same.ts';
import { failed } from './core/control.ts';
import { errorRecord, FatalTaskError, PageturnerError } from './core/errors.ts';
import { parseParameters } from './core/parameters.ts';
import { isPlatformFailure } from './core/platform-failure.ts';
import { newShard, type Run, type RunChange, type RunRecords } from './core/run.ts';
import { transition } from './core/transition.ts';
import { mustBelongTo, turnTask } from './core/turn-rules.ts';
import { drain } from './drain.ts';
import type { Attempt, Ports } from './ports.ts';

/** How a preparation ended; each of these is an answer of 2xx. */
export type PrepareOutcome = 'prepared' | 'replayed' | 'void' | 'failed';

/**
 * Draws the shards of a run, freezes them in it, and begins each shard's chain. It takes effect once: of two preparations at the same
 * time one is void.
 *
 * What goes wrong in the user's code is tried again; on the queue's last attempt it ends the run.
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
  if (delivery.epoch !== found.run.epoch) return 'void';
  if (found.run.state !== 'starting') return await replay(found, ports);

  let plan: Plan;
  try {
    plan = await draw(task, found.run, ports);
  } catch (error) {
    if (!isForGood(error) && (isPlatformFailure(error) || (await attempt?.isLast()) !== true)) throw error;
    const at = clock.now();
    const record = errorRecord(error, at);
    const change = await changeIfSame(found.run, store, (now) => failed(now, record, { at, by: 'worker' }));
    // Another delivery was quicker, and may have prepared the run: look again.
    if (change === undefined) return await prepareRun(task, delivery, ports, attempt);
    log.write('ERROR', `The run could not be prepared: ${record.message}`, where);
    return 'failed';
  }
  const change = await changeIfSame(found.run, store, ({ run }) => prepared(run, plan, clock.now()));
  // Another delivery was quicker, and may have died before it enqueued anything: look again.
  if (change === undefined) return await prepareRun(task, delivery, ports, attempt);
  await Promise.all((change.shards ?? []).map(async (shard) => await drain(shard.outbox, queue)));
  return 'prepared';
}

interface Plan {
  readonly boundaries: readonly string[];
  readonly total?: number;
}

async function draw(task: IterativeTask, run: Run, { store }: Ports): Promise<Plan> {
  const params: unknown = parseParameters(task.name, task.params, JSON.parse(run.params));
  const query = task.query(params, store.db);
  const [boundaries, total] = await Promise.all([
    run.shards === 1 ? [] : store.drawBoundaries(query, run.shards),
    task.countTotal ? store.count(query) : undefined,
  ]);
  return { boundaries, ...(total === undefined ? {} : { total }) };
}

/** What trying again would not mend. */
function isForGood(error: unknown): boolean {
  if (error instanceof FatalTaskError) return true;
  return (
    error instanceof PageturnerError &&
    (error.code === 'invalid-query' || error.code === 'invalid-parameters')
  );
}

/** The run with its shards, each with its first turn to enqueue. */
function prepared(run: Run, plan: Plan, now: number): RunChange {
  const begun = transition(run, 'prepared', { at: now, by: 'worker' });
  const after: Run = { ...begun, ...plan, shards: plan.boundaries.length + 1, updatedAt: now, outbox: [] };
  const shards = Array.from({ length: after.shards }, (_, index) => newShard(index, now));
  return {
    run: after,
    shards: shards.map((shard) => ({ ...shard, outbox: [turnTask(after, shard)] })),
  };
}

/** A crash may have kept the first turns from being enqueued. */
async function replay({ shards }: RunRecords, { queue }: Ports): Promise<PrepareOutcome> {
  for (const shard of shards) if (shard.turn === 0) await drain(shard.outbox, queue);
  return 'replayed';
}
