import type { Task } from '../core/model.ts';

/**
 * What the bodies of the tasks in one answer may take together, in bytes. For LeaseTasks the service says 32 MB, and gives fewer tasks than were
 * asked for past that; a page of a list it may cut short as it likes, and here does so at the same size: more would not fit into one text.
 */
export const MAX_ANSWER_BYTES = 32_000_000;

/** How many of the tasks, from the first on, an answer has room for. */
export function countFitting(tasks: readonly Task[]): number {
  let bytes = 0;
  const beyond = tasks.findIndex(({ target }) => (bytes += target.body.length) > MAX_ANSWER_BYTES);
  return beyond === -1 ? tasks.length : beyond;
}
