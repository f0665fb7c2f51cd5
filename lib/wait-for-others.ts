import { overdueAt } from './core/control.ts';
import type { IterativeTask } from './core/definition.ts';
import { PageturnerError } from './core/errors.ts';
import { isStopping } from './core/run-state.ts';
import type { Run, Shard } from './core/run.ts';
import { followingTask } from './core/turn-rules.ts';
import { drain } from './drain.ts';
import type { TurnInHand } from './handle-page.ts';
import type { Attempt, Versioned } from './ports.ts';

/**
 * Sends a delivery back to wait for another one that has its turn, or may have: while its lease lasts, for an exclusive task; where the run
 * is to stop and the shard to be parked, as long as one may be at work. Where the queue would not deliver it again, another task comes in its
 * place when that time is over.
 *
 * @returns undefined when there is nobody to wait for
 * @throws PageturnerError `held`, and what the queue throws: the delivery must come again.
 */
export async function waitForOthers(turn: TurnInHand): Promise<'waiting' | undefined> {
  const { task, run, shard, attempt, ports } = turn;
  const now = ports.clock.now();
  const until =
    isStopping(run.value.state) && task.exclusive !== true
      ? await mayBeAtWorkUntil(run, attempt, now)
      : heldUntil(task, shard.value, now);
  if (until === undefined) return undefined;
  if (attempt === undefined || !(await attempt.isLast())) throw held(run.value, until - now);
  await drain(
    [followingTask(run.value, shard.value, { attemptsBefore: attempt.retries + 1, until })],
    ports.queue,
  );
  return 'waiting';
}

/**
 * Until when, at most, a delivery may be at work that came before one which finds its run told to stop; undefined when none is. A handler is
 * called only where the run was read to go on, so nobody is at work on a task that was first delivered after the run was written as it
 * stands.
 *
 * @param attempt undefined where no queue delivers, and none did before
 */
export async function mayBeAtWorkUntil(
  { value: run, writtenAt }: Versioned<Run>,
  attempt: Attempt | undefined,
  now: number,
): Promise<number | undefined> {
  const until = overdueAt(run);
  if (attempt === undefined || until <= now) return undefined;
  const firstMadeAt = await attempt.firstMadeAt();
  return firstMadeAt !== undefined && firstMadeAt > writtenAt ? undefined : until;
}

export function held({ id, state }: Run, ms: number): PageturnerError {
  return new PageturnerError(
    'held',
    `Run ${id} is ${state}, and another delivery of this task may be at work for ${ms} ms more.`,
  );
}

function heldUntil({ exclusive }: IterativeTask, shard: Shard, now: number): number | undefined {
  return exclusive === true && (shard.heldUntil ?? 0) > now ? shard.heldUntil : undefined;
}
