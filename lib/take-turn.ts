import { changeIfSame } from './change-if-same.ts';
import type { IterativeTask } from './core/definition.ts';
import type { TurnDelivery } from './core/delivery.ts';
import { parkOne } from './core/control.ts';
import { PageturnerError } from './core/errors.ts';
import { deliveredCursor } from './core/page-request.ts';
import type { Shard } from './core/run.ts';
import { judge, mustBelongTo } from './core/turn-rules.ts';
import { fitOf } from './core/version-rules.ts';
import { startDeadline } from './deadline.ts';
import { drainOwed } from './drain.ts';
import { drainTurn } from './drain-turn.ts';
import type { Attempt, Log, Ports } from './ports.ts';
import type { PageOutcome } from './page-failed.ts';
import { askAhead } from './read-page.ts';
import { refuseRun } from './refuse-run.ts';
import { stopRun } from './stop-run.ts';
import { takePage } from './take-page.ts';
import { waitForOthers } from './wait-for-others.ts';

/** How a delivery ended; each of these is an answer of 2xx. */
export type TurnOutcome = PageOutcome | 'replayed' | 'parked' | 'void';

/**
 * Takes one turn: reads, calls the handler, commits once, enqueues. Whatever happens in between, and however often a delivery comes,
 * the page takes effect once and all that it started is enqueued.
 *
 * @param queueAttempt which attempt of the queue this is, if a queue delivers
 * @throws PageturnerError `too-early` and `held`, and what the handler, the database or the queue throws: the delivery must come again.
 */
export async function takeTurn(
  task: IterativeTask,
  delivery: TurnDelivery,
  ports: Ports,
  queueAttempt?: Attempt,
): Promise<TurnOutcome> {
  const attempt = queueAttempt && withEarlier(queueAttempt, delivery);
  const { store, queue, clock, log } = ports;
  const where = { task: task.name, run: delivery.run, shard: delivery.shard, turn: delivery.turn };
  using deadline = startDeadline(task.timeoutSeconds, clock);
  // Of use the first time only: whatever makes the turn be looked at again may have made the page old.
  for (let ahead = askAhead(task, delivery, ports, attempt); ; ahead = undefined) {
    const found = await store.readTurn(delivery.run, delivery.shard);
    if (found === undefined) {
      log.write('WARNING', 'A turn of an unknown run was dropped', where);
      return 'void';
    }
    mustBelongTo(task, found.run.value);
    const turn = { task, ...found, deadline, ports, attempt };
    const verdict = judge(found.run.value, found.shard.value, delivery);
    switch (verdict.kind) {
      case 'void':
        log.write('INFO', `A turn was dropped: ${verdict.reason}`, where);
        // The delivery that ended the run may have died before it enqueued the callback.
        await drainOwed(found.run.value, queue);
        return 'void';
      case 'too-early':
        throw new PageturnerError(
          'too-early',
          `Turn ${delivery.turn} of run ${delivery.run} is not due yet.`,
        );
      case 'replay':
        await drainTurn(delivery.run, found.shard.value, ports);
        return 'replayed';
      case 'park': {
        // A duplicate must not park the shard under the delivery that is at work on it.
        const waits = await waitForOthers(turn);
        if (waits !== undefined) return waits;
        const { run, shard } = found;
        const change = await changeIfSame(run.value, store, (now) => parkOne(now, shard.value, clock.now()));
        // Somebody resumed the run meanwhile, say, or took the lease: look again.
        if (change === undefined) continue;
        await stopRun(delivery.run, { by: 'worker' }, ports);
        return 'parked';
      }
      case 'parked':
        await stopRun(delivery.run, { by: 'worker' }, ports);
        return 'parked';
      case 'take': {
        if (fitOf(task, found.run.value).kind === 'misfit') {
          await refuseRun(task, delivery.run, ports);
          continue;
        }
        compareCursors(delivery, found.shard.value, log);
        ports.knownRuns?.remember(found.run.value);
        const outcome = await takePage(turn, ahead);
        // Another delivery of this turn was quicker: what is left to do stands in the shard now.
        if (outcome !== 'conflict') return outcome;
      }
    }
  }
}

/** The attempt, counted with those by tasks that came before this one for the same turn. */
function withEarlier(attempt: Attempt, { attemptsBefore = 0 }: TurnDelivery): Attempt {
  return { ...attempt, retries: attempt.retries + attemptsBefore };
}

/** The shard's cursor decides. The delivered one is for people; if it differs, somebody wrote a task or a shard by hand. */
function compareCursors(delivery: TurnDelivery, shard: Shard, log: Log): void {
  const { run, shard: index, turn } = delivery;
  const stored = deliveredCursor(shard.cursor);
  if (JSON.stringify(delivery.cursor) === JSON.stringify(stored)) return;
  log.write('ERROR', "The delivered cursor is not the shard's; the shard's decides", {
    run,
    shard: index,
    turn,
  });
}
