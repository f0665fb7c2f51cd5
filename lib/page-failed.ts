import { carryOn, commitPage, type PageInHand } from './commit-page.ts';
import { blame, countsFor } from './core/blame.ts';
import { failed, restart } from './core/control.ts';
import { errorRecord } from './core/errors.ts';
import { remedyAtTheEnd, remedyForUnheard, type Remedy } from './core/failure-rules.ts';
import { halvings } from './core/last-word.ts';
import { nextAlone } from './core/outbox.ts';
import { firstPageSize, halvedPage, smallerPage } from './core/page-size.ts';
import type { RunRecords, Shard } from './core/run.ts';
import { suspicion, unheard, type Suspect } from './core/suspect.ts';
import { drain } from './drain.ts';
import { Effects } from './effects.ts';
import { failureOf, setAside, type PageFailure, type TurnInHand } from './handle-page.ts';
import { enqueueLeftovers } from './stop-run.ts';

/**
 * How a page ended; each of these is an answer of 2xx. `restarted`: its chain goes on with another task. `waiting`: it does when the
 * time has come that the task's `throttle` named, or when the lease is over that another delivery has.
 */
export type PageOutcome = 'committed' | 'failed' | 'restarted' | 'waiting';

/** A page of which the first `size` documents were tried. */
interface TriedPage {
  readonly inHand: PageInHand;
  readonly size: number;
}

/** What is done about a page that did not take effect. */
export async function pageFailed(
  turn: TurnInHand,
  failure: PageFailure,
  page?: TriedPage,
): Promise<PageOutcome | 'conflict'> {
  const remedy = await remedyOf(turn, failure);
  switch (remedy) {
    case 'fail':
    case 'too-many':
      return await failRun(turn, { ...failure, remedy });
    case 'restart':
      return await beginAnew(turn, withFailure(turn, failure, page));
    case 'set-aside': {
      if (page === undefined || failure.document === undefined) return await failRun(turn, failure);
      const effects = new Effects([], () => turn.ports.clock.now());
      const { document, error, attempts = blame(turn.shard.value, failure.document).failures } = failure;
      effects.quarantine(setAside(turn, document, error, attempts));
      const startedAt = turn.ports.clock.now();
      const handled = { effects, documents: 1 };
      return await carryOn(turn, handled, await commitPage(turn, page.inHand, handled, startedAt));
    }
    case 'narrow':
    case 'smaller':
    case 'again':
    case 'count':
      // For people who look at the run, and for the next attempt. If it cannot be kept, the error itself still has the delivery come again.
      await turn.ports.store
        .commitTurn(turn.run.value.id, turn.shard, withFailure(turn, failure, page), [])
        .catch(() => 'conflict');
      throw failure.error;
  }
}

/** What a document comes to of which worker after worker has died; undefined where it is to be tried. */
export function failureOfUnheard(
  { task, shard }: TurnInHand,
  { documents }: PageInHand,
  suspect: Suspect,
): PageFailure | undefined {
  const attempts = unheard(suspect);
  const remedy = remedyForUnheard(attempts, countsFor(shard.value, documents), task);
  return remedy && { ...failureOf(suspicion(suspect), documents, remedy), attempts };
}

async function remedyOf(
  turn: TurnInHand,
  { remedy, error, documents }: PageFailure,
): Promise<Remedy | 'restart'> {
  if (remedy === 'fail' || remedy === 'too-many' || remedy === 'set-aside') return remedy;
  if ((await turn.attempt?.isLast()) !== true) return remedy;
  return remedyAtTheEnd(remedy, error, documents, countsFor(turn.shard.value, []), turn.task);
}

/** The shard after a failure: nothing is held any more, and the next page is smaller where this one was too much. */
function withFailure(
  { task, shard, attempt, ports }: TurnInHand,
  { error, document, documents, remedy }: PageFailure,
  page: TriedPage | undefined,
): Shard {
  const { heldUntil: _, suspect: __, ...before } = shard.value;
  const isTooMuch = remedy === 'narrow' || remedy === 'smaller';
  const wasNarrowed = page !== undefined && page.size < page.inHand.documents.length;
  const halved = halvings(shard.value, attempt);
  const usual =
    halved === 0 ? before.pageSize : halvedPage(before.pageSize ?? firstPageSize(task.pageSize), halved);
  const pageSize = isTooMuch ? smallerPage(documents) : wasNarrowed ? page.size : usual;
  const at = ports.clock.now();
  return {
    ...before,
    ...(pageSize === undefined ? {} : { pageSize }),
    lastWord: { epoch: before.epoch, retries: attempt?.retries ?? 0 },
    failures: before.failures + (remedy === 'count' ? 1 : 0),
    ...(remedy === 'count' ? { blamed: blame(before, document) } : {}),
    outbox: nextAlone(before),
    updatedAt: at,
    lastError: errorRecord(error, at, document?.ref.path),
  };
}

/** Ends the run, with the document, the error and its stack kept. */
async function failRun(
  turn: TurnInHand,
  { error, document, remedy }: PageFailure,
): Promise<'failed' | 'conflict'> {
  const { store, clock, log } = turn.ports;
  const { heldUntil: _, ...shard } = turn.shard.value;
  const run = turn.run.value;
  const own = errorRecord(error, clock.now(), document?.ref.path);
  const cap = `; and as many documents of the shard are set aside as may be (maxQuarantined is ${turn.task.maxQuarantined})`;
  const record = remedy === 'too-many' ? { ...own, message: `${own.message}${cap}` } : own;
  const change = await store.changeRun(run.id, (now) =>
    isSameTurn(now.shards[shard.index], shard)
      ? failed(withShard(now, { ...shard, outbox: nextAlone(shard), lastError: record }), record, {
          at: record.at,
          by: 'worker',
        })
      : undefined,
  );
  // A run that is being canceled, say, does not fail any more: look again.
  if (change === undefined) return 'conflict';
  const where = { task: run.task, run: run.id, shard: shard.index, turn: shard.turn };
  log.write('ERROR', `The run failed for good: ${record.message}`, where);
  await enqueueLeftovers(run.id, turn.ports);
  return 'failed';
}

/** Whether nobody took the turn, or the lease of it, since it was read. */
function isSameTurn(now: Shard | undefined, read: Shard): boolean {
  const isSame = now?.turn === read.turn && now.epoch === read.epoch;
  return isSame && now.state === 'running' && now.fencingToken === read.fencingToken;
}

function withShard({ run, shards }: RunRecords, shard: Shard): RunRecords {
  return { run, shards: shards.map((one) => (one.index === shard.index ? shard : one)) };
}

/** Time for what was at fault to come back. */
const restartDelayMs = 30_000;

/** The queue gives the task up for no fault of the user's code: the chain goes on at its cursor under a new epoch, as after a healing. */
async function beginAnew(turn: TurnInHand, shard: Shard): Promise<'restarted' | 'conflict'> {
  const { store, queue, clock, log } = turn.ports;
  const run = turn.run.value;
  const now = clock.now();
  const after = restart(run, { ...shard, notBefore: now + restartDelayMs }, now);
  if ((await store.commitTurn(run.id, turn.shard, after, [])) === 'conflict') return 'conflict';
  await drain(after.outbox, queue);
  log.write(
    'WARNING',
    'The last attempt failed for no fault of the task; the chain was begun anew at its cursor',
    {
      task: run.task,
      run: run.id,
      shard: after.index,
      turn: after.turn,
      epoch: after.epoch,
    },
  );
  return 'restarted';
}
