import type { IterativeTask } from './core/definition.ts';
import { PageturnerError } from './core/errors.ts';
import type { Run, Shard } from './core/run.ts';
import { followingTask } from './core/turn-rules.ts';
import { drain } from './drain.ts';
import type { TurnInHand } from './handle-page.ts';

/** @throws PageturnerError `held` while another delivery holds the shard of an exclusive task. */
export function mustBeFree(
  task: IterativeTask,
  { run, shard }: Pick<TurnInHand, 'run' | 'shard'>,
  now: number,
): void {
  if (isHeld(task, shard.value, now)) throw held(run.value, shard.value, now);
}

/**
 * Sends a delivery back to wait while another one holds the shard of an exclusive task: that one may have died. Where its queue would not
 * deliver it again, another task comes in its place when the lease is over.
 *
 * @returns undefined when nobody holds the shard
 * @throws PageturnerError `held`, and what the queue throws: the delivery must come again.
 */
export async function waitForHolder(turn: TurnInHand, now: number): Promise<'waiting' | undefined> {
  const { task, run, shard, attempt, ports } = turn;
  if (!isHeld(task, shard.value, now)) return undefined;
  if (attempt === undefined || !(await attempt.isLast())) throw held(run.value, shard.value, now);
  await drain([followingTask(run.value, shard.value, attempt.retries + 1)], ports.queue);
  return 'waiting';
}

function isHeld({ exclusive }: IterativeTask, { heldUntil = 0 }: Shard, now: number): boolean {
  return exclusive === true && heldUntil > now;
}

function held({ id }: Run, { turn, heldUntil = 0 }: Shard, now: number): PageturnerError {
  return new PageturnerError(
    'held',
    `Turn ${turn} of run ${id} is held by another delivery for ${heldUntil - now} ms more.`,
  );
}
