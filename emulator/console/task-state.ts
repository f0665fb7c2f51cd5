import type { Task } from '../core/model.ts';
import type { TaskDeletedReason } from '../engine/events.ts';
import type { Sources } from './sources.ts';

/** `retrying`: it has failed and waits for its next attempt. `out`: an attempt is under way. The others are why it left its queue. */
export type TaskState = 'waiting' | 'retrying' | 'out' | TaskDeletedReason;

/** The state of a task that is in its queue. */
export function stateOf(task: Task, { attempts }: Pick<Sources, 'attempts'>): 'waiting' | 'retrying' | 'out' {
  // A task of a pull queue is leased, and nothing is sent.
  if (task.dispatchCount === 0 || task.target.kind === 'pull') return 'waiting';
  // What the store says of it may be of before a restart; only an attempt of this process can be out.
  const last = attempts.attempt(task.name, task.dispatchCount);
  return last !== undefined && last.endedAt === undefined ? 'out' : 'retrying';
}
