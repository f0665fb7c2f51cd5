import type { IterativeTask } from './definition.ts';
import { newRun } from './new-run.ts';
import { derivedRunId } from './names.ts';
import { withVersion, type Run, type RunChange, type RunRecords } from './run.ts';
import { transition, type Cause } from './transition.ts';
import type { Json } from './parameters.ts';

/**
 * The run that follows one that completes now: the same again, of its own id, which is derived from that of the first run so that
 * there is one follower and no other. Undefined when it is not to be repeated, or was.
 */
export function followerOf(task: IterativeTask, run: Run, now: number): Run | undefined {
  const { repeat, nextRun, repeatOf = run.id, repetition = 0, key } = run;
  if (repeat === undefined || nextRun !== undefined) return undefined;
  const start = {
    run: derivedRunId(repeatOf, 'repetition', repetition + 1),
    queue: run.queue,
    params: JSON.parse(run.params) as Json,
    startedBy: run.startedBy,
    shards: repeat.shards,
    at: now + repeat.after * 1000,
    repeat: { after: repeat.after },
    documentsPerSecond: run.documentsPerSecond ?? null,
    ...(key === undefined ? {} : { key }),
  };
  return {
    ...newRun(task, start, now),
    ...withVersion(run, task.version),
    repeatOf,
    repetition: repetition + 1,
  };
}

/** The run as the last one of its kind. Undefined when nothing follows it anyway. */
export function last({ run }: RunRecords, cause: Cause): RunChange | undefined {
  if (run.repeat === undefined || run.state === 'canceling' || run.state === 'canceled') return undefined;
  const { repeat: _, ...after } = transition(run, 'stop-repeating', cause);
  return { run: after, reliesOn: 'written' };
}
