import { changeIfSame } from './change-if-same.ts';
import { failed, restartRun } from './core/control.ts';
import type { IterativeTask } from './core/definition.ts';
import { errorRecord, PageturnerError } from './core/errors.ts';
import { remedyAtTheEnd, remedyFor } from './core/failure-rules.ts';
import type { Run } from './core/run.ts';
import { drainRun } from './drain.ts';
import type { Attempt, Ports } from './ports.ts';
import { enqueueLeftovers } from './stop-run.ts';

/**
 * The rule for a failure of what a run itself does, beside its shards: counted against the budget of its own, or not at all where the
 * platform is at fault; and `restart` or `fail` when the queue gives up.
 *
 * @param failures those that were counted before
 */
export async function remedyForRun(
  error: unknown,
  failures: number,
  task: IterativeTask,
  attempt: Attempt | undefined,
): Promise<'again' | 'count' | 'fail' | 'restart'> {
  if (isOfTheQuery(error)) return 'fail';
  const policy = { ...task, onError: task.onError === 'fail' ? 'fail' : 'retry' } as const;
  const counts = { failures, inARow: 0, quarantined: 0 };
  const remedy = remedyFor(error, 1, counts, policy);
  if (remedy !== 'again' && remedy !== 'count') return 'fail';
  if ((await attempt?.isLast()) !== true) return remedy;
  return remedyAtTheEnd(remedy, error, 1, counts, policy) === 'restart' ? 'restart' : 'fail';
}

/** What trying again would not mend: a query that can not be parted, say. */
function isOfTheQuery(error: unknown): boolean {
  return error instanceof PageturnerError && error.code === 'invalid-query';
}

/**
 * What becomes of a run whose preparation or completion failed. A failure of the user's code is counted in the run and ends it when the
 * budget is used up or the queue gives up; one of the platform is not counted, and a last attempt has it begun anew.
 *
 * @throws the error: the delivery must come again.
 */
export async function runFailed(
  error: unknown,
  {
    task,
    run,
    attempt,
  }: { readonly task: IterativeTask; readonly run: Run; readonly attempt: Attempt | undefined },
  ports: Ports,
): Promise<'failed' | 'restarted'> {
  const { clock, log } = ports;
  const at = clock.now();
  const record = errorRecord(error, at);
  const remedy = await remedyForRun(error, run.failures ?? 0, task, attempt);
  const failures = (run.failures ?? 0) + (remedy === 'count' ? 1 : 0);
  const kept = { error: record, updatedAt: at, ...(failures === 0 ? {} : { failures }) };
  const changed = await changeIfSame(run, ports.store, (now) => {
    if (remedy === 'fail') return failed(now, record, { at, by: 'worker' });
    const failing = { ...now.run, ...kept };
    return { run: remedy === 'restart' ? restartRun(failing, at) : failing };
    // For people who look at the run. If it cannot be kept, the error itself still has the delivery come again.
  }).catch(() => undefined);
  if (changed?.run === undefined || (remedy !== 'fail' && remedy !== 'restart')) throw error;
  const where = { task: task.name, run: run.id };
  if (remedy === 'restart') {
    await drainRun(changed.run, ports);
    log.write(
      'WARNING',
      `The last attempt failed for no fault of the task while the run was ${run.state}; it was begun anew`,
      where,
    );
    return 'restarted';
  }
  await enqueueLeftovers(run.id, ports);
  log.write('ERROR', `The run failed: ${record.message}`, where);
  return 'failed';
}
