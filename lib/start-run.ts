import { isDeepStrictEqual } from 'node:util';
import type { IterativeTask } from './core/definition.ts';
import type { StartDelivery } from './core/delivery.ts';
import { failed } from './core/control.ts';
import { errorRecord, PageturnerError } from './core/errors.ts';
import { newRun, type RunStart } from './core/new-run.ts';
import type { Run } from './core/run.ts';
import { drain } from './drain.ts';
import type { Ports, RunStore } from './ports.ts';

/**
 * Writes the run and enqueues the task that prepares it. Doing it again with the same run id changes nothing, except that it enqueues
 * what a crash kept the first start from enqueueing.
 *
 * @throws PageturnerError `invalid-state` when the run was started with other parameters, or a run that has not ended holds the key;
 *   `misconfigured` when the queue does not exist or refuses the preparation for good: the run has failed then.
 */
export async function startRun(
  task: IterativeTask,
  start: RunStart,
  ports: Ports,
): Promise<'started' | 'exists'> {
  const { store, queue, clock, log } = ports;
  const run = newRun(task, start, clock.now());
  const created = await store.createRun(run);
  // Whoever made it may have died before its preparation was enqueued, for the time that stands in it.
  const found = created === 'exists' ? await sameRun(run, store) : run;
  if (found.state === 'starting') {
    try {
      await drain(found.outbox, queue);
    } catch (error) {
      if (error instanceof PageturnerError) await endUnbegun(run.id, error, ports);
      throw error;
    }
  }
  if (created === 'exists') return 'exists';
  const kind = run.isDryRun === true ? 'dry run' : 'run';
  log.write('INFO', `The ${kind} started`, { task: task.name, run: run.id, startedBy: run.startedBy });
  return 'started';
}

/**
 * A run whose queue does not exist, or refuses its tasks for good, would wait for nobody, and hold its key: it ends, and a retry takes
 * it up again.
 */
async function endUnbegun(runId: string, error: PageturnerError, { store, clock }: Ports): Promise<void> {
  const record = errorRecord(error, clock.now());
  await store.changeRun(runId, (now) => failed(now, record, { at: record.at, by: now.run.startedBy }));
}

/** The run as it stands. Whoever starts something else under the same idempotency key would take the first run for it. */
async function sameRun(run: Run, store: RunStore): Promise<Run> {
  const found = await store.getRun(run.id);
  if (found === undefined) return run;
  if (isDeepStrictEqual(JSON.parse(found.run.params), JSON.parse(run.params))) return found.run;
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
