import type { IterativeTask } from './core/definition.ts';
import { refused } from './core/version-rules.ts';
import { drainRun } from './drain.ts';
import type { Ports } from './ports.ts';
import { enqueueLeftovers } from './stop-run.ts';

/**
 * Pauses or fails a run that this worker's code does not fit. Of several workers at once one does; when this resolves, the run as it
 * stands says what becomes of a delivery. If a process dies in here, the delivery comes again and finds the run pausing, or the healer
 * enqueues what a failed one had left.
 */
export async function refuseRun(task: IterativeTask, runId: string, ports: Ports): Promise<void> {
  const { store, clock, log } = ports;
  const change = await store.changeRun(runId, (found) => refused(task, found, clock.now()));
  if (change?.run === undefined) return;
  const { state, history } = change.run;
  log.write(state === 'failed' ? 'ERROR' : 'WARNING', `The run is ${state}: ${history.at(-1)?.reason}`, {
    task: task.name,
    run: runId,
  });
  if (state === 'failed') await enqueueLeftovers(runId, ports);
  else await drainRun(change.run, ports);
}
