import type { IterativeTask } from './core/definition.ts';
import type { StartDelivery } from './core/delivery.ts';
import { parseParameters, type Json } from './core/parameters.ts';
import { newShard, type Run } from './core/run.ts';
import { turnTask } from './core/turn-rules.ts';
import { drain } from './drain.ts';
import type { Ports } from './ports.ts';

export interface RunStart {
  readonly run: string;
  readonly queue: string;
  /** Already checked against the task's schema. */
  readonly params: Json;
  readonly startedBy: string;
  /** Not before this instant, in milliseconds since 1970. */
  readonly at?: number;
}

/**
 * Writes the run and enqueues its first turn. Doing it again with the same run id changes nothing, except that it enqueues what a
 * crash kept the first start from enqueueing.
 */
export async function startRun(
  task: IterativeTask,
  start: RunStart,
  ports: Ports,
): Promise<'started' | 'exists'> {
  const { store, queue, clock, log } = ports;
  const now = clock.now();
  const shard = newShard(0, now);
  const bare: Run = {
    id: start.run,
    task: task.name,
    queue: start.queue,
    params: JSON.stringify(start.params),
    state: 'running',
    shards: 1,
    startedBy: start.startedBy,
    createdAt: now,
    outbox: [],
  };
  const at = start.at === undefined ? {} : { at: start.at };
  const run: Run = { ...bare, outbox: [{ ...turnTask(bare, shard, task), ...at }] };
  const created = await store.createRun(run, [shard]);
  await drain(run.outbox, queue);
  if (created === 'created')
    log.write('INFO', 'The run started', { task: task.name, run: run.id, startedBy: run.startedBy });
  return created === 'created' ? 'started' : 'exists';
}

/** Begins a run that another task's outbox asked for. */
export async function takeStart(
  task: IterativeTask,
  delivery: StartDelivery,
  ports: Ports,
): Promise<'started' | 'exists'> {
  parseParameters(task.name, task.params, delivery.params);
  return await startRun(task, delivery, ports);
}
