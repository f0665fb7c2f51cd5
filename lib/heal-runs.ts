import { expectedTask, restart } from './core/control.ts';
import type { Run } from './core/run.ts';
import { drain } from './drain.ts';
import type { HealingPorts } from './ports.ts';
import { defaultRuntime } from './runtime.ts';

export interface HealReport {
  /** Runs that were running. */
  readonly seen: number;
  /** Ids of the runs whose chain was dead and goes on now. */
  readonly healed: readonly string[];
  /** The runs that could not be looked at or restarted; the next healing tries again. */
  readonly failed: readonly { readonly run: string; readonly message: string }[];
}

/**
 * Finds running runs whose chain has died (the queue was purged, the task deleted or given up, a start or a resume died half-way) and
 * restarts them at their cursor. A chain counts as dead when its shard has been still for `quietSeconds` and the queue does not hold
 * the task that would carry it on. A live chain is never doubled, however often and from wherever this is called: the restart takes
 * effect only if the shard has not moved since, and makes each older task of the chain void.
 *
 * Call it at least every half an hour, so that the queue still knows the names of children that it has had.
 *
 * @param options.quietSeconds 600 unless given: well above what a page and its children take
 * @throws what the database throws when the runs cannot be listed. The fault of one run is in the report and keeps no other back.
 */
export async function healRuns(
  options: { readonly quietSeconds?: number } = {},
  ports: HealingPorts = defaultRuntime().ports,
): Promise<HealReport> {
  const quietMs = (options.quietSeconds ?? 600) * 1000;
  const healed: string[] = [];
  const failed: { run: string; message: string }[] = [];
  let seen = 0;
  for await (const run of runningRuns(ports)) {
    seen += 1;
    try {
      if (await heal(run, quietMs, ports)) healed.push(run.id);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      ports.log.write('ERROR', `The run could not be healed: ${message}`, { task: run.task, run: run.id });
      failed.push({ run: run.id, message });
    }
  }
  return { seen, healed, failed };
}

async function* runningRuns({ store }: HealingPorts): AsyncGenerator<Run> {
  for (let after: string | null = null; ;) {
    const runs: readonly Run[] = await store.listRunning(after, pageSize);
    yield* runs;
    const last = runs.at(-1);
    if (last === undefined || runs.length < pageSize) return;
    after = last.id;
  }
}

const pageSize = 100;

/** Whether a chain of the run was dead. */
async function heal({ id, shards }: Run, quietMs: number, ports: HealingPorts): Promise<boolean> {
  let wasDead = false;
  for (let index = 0; index < shards; index += 1) {
    if (await healShard(id, index, quietMs, ports)) wasDead = true;
  }
  return wasDead;
}

async function healShard(
  runId: string,
  index: number,
  quietMs: number,
  { store, queue, clock, log }: HealingPorts,
): Promise<boolean> {
  const found = await store.readTurn(runId, index);
  if (found === undefined || found.run.value.state !== 'running') return false;
  const { value: run } = found.run;
  const { value: shard } = found.shard;
  const now = clock.now();
  if (now - shard.updatedAt < quietMs) return false;
  const expected = expectedTask(run, shard);
  // Asked after the shard was read: if the chain has moved on since, its task is gone, and the commit below is a conflict.
  if (expected !== undefined && (await queue.has(expected))) return false;
  const after = restart(run, shard, now);
  if ((await store.commitTurn(runId, found.shard, after, [])) === 'conflict') return false;
  await drain(after.outbox, queue);
  const fields = { task: run.task, run: runId, shard: index, turn: shard.turn, epoch: after.epoch };
  log.write('WARNING', 'The chain had died, and was restarted at its cursor', fields);
  return true;
}
