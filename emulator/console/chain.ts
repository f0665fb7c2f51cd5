import type { TaskRecord } from '../admin/task-history.ts';
import type { AttemptRecord } from '../admin/attempt-log.ts';
import type { PagePlace } from './page-name.ts';
import type { TaskState } from './task-state.ts';

/** A task with all that is known of it. */
export interface KnownTask {
  readonly record: TaskRecord;
  readonly state: TaskState;
  readonly place: PagePlace | undefined;
  /** In the order in which they began. */
  readonly attempts: readonly AttemptRecord[];
}

/** One task of a chain. */
export interface Step {
  readonly taskName: string;
  /** What it is in its chain: `page 3`, `finish`, or the task's id. */
  readonly label: string;
  readonly state: TaskState;
  readonly createdAt: number;
  readonly leftAt?: number;
  readonly attempts: number;
  /** How far it is from the chain's first task, where that is known. */
  readonly depth: number;
  /** The epoch of a page. */
  readonly epoch?: number;
  /** Tasks that the page started. */
  readonly children?: number;
  /** What is odd about it, in words. */
  readonly notes: readonly string[];
}

/** Pages that should be there and are not: `from` to `to`. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  /** `unknown`: older than what the history keeps, perhaps. `missing`: later pages are there. */
  readonly kind: 'unknown' | 'missing';
}

export interface Strand {
  /** A shard's number; absent where the chain has no shards. */
  readonly shard?: number;
  readonly steps: readonly Step[];
  readonly gaps: readonly Gap[];
}

/**
 * `goingOn`: a task of it waits or is out. `ended`: its completion was delivered. `broken`: its last task was given up or taken away.
 * `still`: none of its tasks is left and none says that it ended.
 */
export type ChainState = 'goingOn' | 'ended' | 'broken' | 'still';

export interface Chain {
  /** The run, the trace, or the full name of the first task. */
  readonly id: string;
  /** How its tasks were found to belong together. */
  readonly by: 'name' | 'trace' | 'creation';
  readonly queueName: string;
  readonly state: ChainState;
  readonly startedAt: number;
  readonly strands: readonly Strand[];
  /** What the run does beside its pages, such as its completion. */
  readonly others: readonly Step[];
  /** Tasks that it started and that are no part of it. */
  readonly children: number;
}

/** Attempts that a task's target answered with success: more than one did the work twice, if the target did not see to it. */
export function successes({ attempts }: KnownTask): number {
  return attempts
    .flatMap(({ deliveries }) => deliveries)
    .filter(
      ({ response }) => response !== undefined && response.httpStatus >= 200 && response.httpStatus < 300,
    ).length;
}

/** Whether a task is in its queue. */
export function isLive({ state }: Pick<KnownTask, 'state'>): boolean {
  return state === 'waiting' || state === 'retrying' || state === 'out';
}

/** Whether a task left its queue without having been delivered. */
export function isLost(task: Pick<KnownTask, 'state'>): boolean {
  return !isLive(task) && task.state !== 'completed';
}

/** What there is to say of a task wherever it stands. */
export function commonNotes(task: KnownTask): string[] {
  const notes: string[] = [];
  const count = successes(task);
  if (count > 1) notes.push(`delivered ${count} times with success`);
  if (isLost(task)) notes.push(lossText(task.state));
  return notes;
}

function lossText(state: TaskState): string {
  switch (state) {
    case 'exhausted':
      return 'given up after its last attempt';
    case 'expired':
      return 'given up after 31 days';
    case 'deleted':
      return 'deleted';
    case 'purged':
      return 'purged with its queue';
    case 'queueDeleted':
      return 'gone with its queue';
    case 'waiting':
    case 'retrying':
    case 'out':
    case 'completed':
      return '';
  }
}

export function stepOf(task: KnownTask, label: string, depth: number, notes: readonly string[]): Step {
  const { record, state, attempts } = task;
  return {
    taskName: record.taskName,
    label,
    state,
    createdAt: record.createdAt,
    ...(record.leftAt !== undefined && { leftAt: record.leftAt }),
    attempts: attempts.length,
    depth,
    notes: [...commonNotes(task), ...notes],
  };
}
