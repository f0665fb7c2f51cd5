import { isDeepStrictEqual } from 'node:util';
import { owedNames } from './core/callbacks.ts';
import type { IterativeTask } from './core/definition.ts';
import type { StartDelivery } from './core/delivery.ts';
import { PageturnerError } from './core/errors.ts';
import type { Json } from './core/parameters.ts';
import type { Run } from './core/run.ts';
import { runTask } from './core/turn-rules.ts';
import { drain } from './drain.ts';
import type { Ports, RunStore } from './ports.ts';

export interface RunStart {
  readonly run: string;
  readonly queue: string;
  /** Already checked against the task's schema. */
  readonly params: Json;
  readonly startedBy: string;
  /** How many shards it shall have; as many as its task says unless given. */
  readonly shards?: number;
  /** Not before this instant, in milliseconds since 1970. */
  readonly at?: number;
  readonly key?: string;
}

/**
 * Writes the run and enqueues the task that prepares it. Doing it again with the same run id changes nothing, except that it enqueues
 * what a crash kept the first start from enqueueing.
 *
 * @throws PageturnerError `invalid-state` when the run was started with other parameters, or a run that has not ended holds the key.
 */
export async function startRun(
  task: IterativeTask,
  start: RunStart,
  ports: Ports,
): Promise<'started' | 'exists'> {
  const { store, queue, clock, log } = ports;
  const now = clock.now();
  const callbacks = owedNames.filter((name) => task[name === 'onError' ? 'onFailed' : name] !== undefined);
  const bare: Run = {
    id: start.run,
    task: task.name,
    queue: start.queue,
    params: JSON.stringify(start.params),
    state: 'starting',
    epoch: 0,
    shards: start.shards ?? task.shards,
    timeoutSeconds: task.timeoutSeconds,
    startedBy: start.startedBy,
    ...(task.version === undefined ? {} : { versions: [task.version] }),
    ...(start.key === undefined ? {} : { key: start.key }),
    ...(callbacks.length === 0 ? {} : { callbacks }),
    createdAt: now,
    updatedAt: now,
    ...(start.at === undefined ? {} : { at: start.at }),
    hasLeftovers: false,
    history: [],
    outbox: [],
  };
  const run: Run = { ...bare, outbox: [runTask(bare, 'prepare', start.at)] };
  const created = await store.createRun(run);
  if (created === 'exists') await mustBeTheSame(run, store);
  await drain(run.outbox, queue);
  if (created === 'exists') return 'exists';
  log.write('INFO', 'The run started', { task: task.name, run: run.id, startedBy: run.startedBy });
  return 'started';
}

/** Whoever starts something else under the same idempotency key would take the first run for it. */
async function mustBeTheSame(run: Run, store: RunStore): Promise<void> {
  const found = await store.getRun(run.id);
  if (found === undefined || isDeepStrictEqual(JSON.parse(found.run.params), JSON.parse(run.params))) return;
  throw new PageturnerError(
    'invalid-state',
    `Run ${run.id} was started with this idempotency key and other parameters; give another key.`,
  );
}

/** Begins a run that another task's outbox asked for. Parameters that do not fit any more pause it at its preparation. */
export async function takeStart(
  task: IterativeTask,
  delivery: StartDelivery,
  ports: Ports,
): Promise<'started' | 'exists'> {
  return await startRun(task, delivery, ports);
}
