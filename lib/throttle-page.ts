import { wordCarriedOn } from './core/last-word.ts';
import { parseParameters } from './core/parameters.ts';
import { sentLater } from './core/turn-rules.ts';
import { drain } from './drain.ts';
import type { TurnInHand } from './handle-page.ts';

/**
 * Asks the task itself until when its page is to wait; undefined for not at all.
 *
 * @throws what `throttle` throws, RangeError when it returns no time, and PageturnerError `deadline-exceeded`.
 */
export async function askedToWait(turn: TurnInHand): Promise<number | undefined> {
  const { task, run, shard, deadline, ports } = turn;
  if (task.throttle === undefined) return undefined;
  const params: unknown = parseParameters(task.name, task.params, JSON.parse(run.value.params));
  const { index, processed } = shard.value;
  const context = {
    params,
    runId: run.value.id,
    shard: index,
    processed,
    db: ports.store.db,
    signal: deadline.signal,
  };
  const answer: unknown = await deadline.race(async () => await task.throttle?.(context));
  return waitUntil(answer, ports.clock.now());
}

/** The service takes no task further ahead. */
const longestWaitMs = 30 * 24 * 3600 * 1000;

/**
 * The instant that `throttle` names; undefined when the page may begin.
 *
 * @throws RangeError when it is no time from now to 30 days ahead.
 */
export function waitUntil(answer: unknown, now: number): number | undefined {
  if (answer === undefined || answer === null) return undefined;
  const isSeconds = typeof answer === 'number' && answer >= 0;
  const at = isSeconds ? now + answer * 1000 : answer instanceof Date ? answer.getTime() : Number.NaN;
  if (Number.isNaN(at) || at > now + longestWaitMs) {
    const isPlain = typeof answer === 'number' || answer instanceof Date;
    const written = isPlain ? String(answer) : (JSON.stringify(answer) ?? typeof answer);
    throw new RangeError(
      `throttle returned ${written}: return seconds or a Date, at most 30 days ahead, or nothing to begin the page.`,
    );
  }
  return at > now ? Math.ceil(at) : undefined;
}

/** Sends the turn to a later time, so that no worker waits. No failure is counted, and none is forgotten. */
export async function sendLater(turn: TurnInHand, until: number): Promise<'waiting' | 'conflict'> {
  const { run, shard, attempt, ports } = turn;
  const { lastWord: _, ...before } = shard.value;
  const told = { ...before, ...wordCarriedOn(shard.value, attempt ?? { retries: 0 }) };
  const after = sentLater(run.value, told, until, ports.clock.now());
  if ((await ports.store.commitTurn(run.value.id, shard, after, [])) === 'conflict') return 'conflict';
  await drain(after.outbox, ports.queue);
  ports.log.write('INFO', `The page waits until ${new Date(until).toISOString()}`, {
    task: run.value.task,
    run: run.value.id,
    shard: after.index,
    turn: after.turn,
  });
  return 'waiting';
}
