import { createHash } from 'node:crypto';
import type { Task } from '../core/model.ts';

/**
 * A `traceparent` of its own for each attempt, as the platforms add one to each request that they pass on: a new trace, sampled. It hangs
 * on the seed, the task and the attempt alone.
 *
 * @param attempt from 1
 */
export function traceparentOf(
  { name, createAt }: Pick<Task, 'name' | 'createAt'>,
  attempt: number,
  seed: number,
): string {
  const digits = createHash('sha256').update(`${seed} ${createAt} ${attempt} ${name}`).digest('hex');
  return `00-${digits.slice(0, 32)}-${digits.slice(32, 48)}-01`;
}
