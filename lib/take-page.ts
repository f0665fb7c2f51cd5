import type { DocumentData } from '@google-cloud/firestore';
import { restart } from './core/control.ts';
import { errorRecord, PageturnerError } from './core/errors.ts';
import { remedyAtTheEnd, remedyFor, type Remedy } from './core/failure-rules.ts';
import { firstPageSize, pageSizeAfter, smallerPage } from './core/page-size.ts';
import { parseParameters } from './core/parameters.ts';
import type { Shard } from './core/run.ts';
import { advance } from './core/turn-rules.ts';
import { drain } from './drain.ts';
import { Effects } from './effects.ts';
import {
  failureOf,
  handleDocuments,
  setAside,
  type Handled,
  type PageFailure,
  type TurnInHand,
} from './handle-page.ts';
import type { Page, Versioned } from './ports.ts';
import { setAsideWrite } from './set-aside.ts';

/** How a page ended; each of these is an answer of 2xx. `restarted`: its chain goes on with another task. */
export type PageOutcome = 'committed' | 'failed' | 'restarted';

/** The page that a turn has read. */
interface PageInHand extends Page<DocumentData> {
  readonly params: unknown;
  /** How many documents were asked for. */
  readonly limit: number;
}

/**
 * Reads the page, has the user's code handle it, commits once, enqueues. Where a page is too much, or fails with several documents,
 * half of it is tried at once, in the same time: nothing had been committed.
 *
 * @throws PageturnerError `held`, and whatever kept the page from taking effect: the delivery must come again.
 */
export async function takePage(turn: TurnInHand): Promise<PageOutcome | 'conflict'> {
  const { clock } = turn.ports;
  let startedAt = clock.now();
  let page: PageInHand;
  try {
    page = await readPage(turn);
  } catch (error) {
    return await settle(turn, failureOf(error, [], remedyFor(error, 0, turn.shard.value, turn.task)));
  }
  const held = await hold(turn, page);
  if (held === 'conflict') return 'conflict';
  const inHand = { ...turn, shard: held };
  for (let size = page.documents.length; ; startedAt = clock.now()) {
    const tried = await tryPage(inHand, page, size, startedAt);
    if (typeof tried === 'string') return tried;
    const isNarrowed =
      tried.remedy === 'narrow' && turn.deadline.remaining() >= (clock.now() - startedAt) / 2;
    if (!isNarrowed) return await settle(inHand, tried, { inHand: page, size });
    size = smallerPage(tried.documents);
  }
}

async function readPage({ task, run, shard, ports: { store } }: TurnInHand): Promise<PageInHand> {
  const params: unknown = parseParameters(task.name, task.params, JSON.parse(run.value.params));
  const limit = shard.value.pageSize ?? firstPageSize(task.pageSize);
  const page = await store.readPage(task.query(params, store.db), shard.value.cursor, limit);
  const last = page.documents.at(-1);
  // A query whose positions cannot be named is better refused before its documents are handled.
  if (last !== undefined) page.positionOf(last);
  return { ...page, params, limit };
}

/**
 * The shard of an exclusive task with a lease in it, so that another delivery waits, and one that had the lease before cannot commit
 * any more. There is nobody to keep out of an empty page.
 */
async function hold(
  { task, run, shard, ports }: TurnInHand,
  page: PageInHand,
): Promise<Versioned<Shard> | 'conflict'> {
  if (task.exclusive !== true || page.documents.length === 0) return shard;
  const now = ports.clock.now();
  const { heldUntil = 0, fencingToken = 0, turn } = shard.value;
  if (heldUntil > now) {
    throw new PageturnerError(
      'held',
      `Turn ${turn} of run ${run.value.id} is held by another delivery for ${heldUntil - now} ms more.`,
    );
  }
  const after: Shard = {
    ...shard.value,
    fencingToken: fencingToken + 1,
    heldUntil: now + task.timeoutSeconds * 1000,
  };
  return await ports.store.holdTurn(run.value.id, shard, after);
}

/** Handles the first documents of the page and commits. What keeps them from taking effect is in what is returned. */
async function tryPage(
  turn: TurnInHand,
  page: PageInHand,
  size: number,
  startedAt: number,
): Promise<PageOutcome | 'conflict' | PageFailure> {
  const documents = page.documents.slice(0, size);
  // An empty page, which ends a chain, is nobody's to handle.
  const handled =
    size === 0
      ? { effects: new Effects([], () => startedAt), documents: 0 }
      : await handleDocuments(turn, page.params, documents);
  if (handled.failure !== undefined && handled.documents === 0) return handled.failure;
  let after: Shard | 'conflict';
  try {
    after = await commit(turn, page, handled, startedAt);
  } catch (error) {
    const tried = documents.slice(0, handled.documents);
    return failureOf(error, tried, remedyFor(error, tried.length, turn.shard.value, turn.task));
  }
  return await carryOn(turn, after);
}

/** Commits what the user's code asked for, together with the progress that it is. */
async function commit(
  { task, run, shard, deadline, ports }: TurnInHand,
  page: PageInHand,
  handled: Handled,
  startedAt: number,
): Promise<Shard | 'conflict'> {
  const { effects, documents, failure } = handled;
  const at = ports.clock.now();
  const last = page.documents[documents - 1];
  // What a failed document kept from being handled is no sign that the page was too large.
  const current = failure === undefined && documents < page.documents.length ? documents : page.limit;
  const taken = { documents, tookMs: at - startedAt, limitMs: deadline.limitMs };
  const next = pageSizeAfter(task.pageSize, current, taken);
  const after = advance(
    run.value,
    shard.value,
    {
      documents,
      quarantined: effects.setAside.length,
      isLast: page.documents.length < page.limit && documents === page.documents.length,
      end: last === undefined ? null : page.positionOf(last),
      children: effects.children,
      pageSize: next === firstPageSize(task.pageSize) ? undefined : next,
      ...(failure === undefined
        ? {}
        : {
            failure: {
              record: errorRecord(failure.error, at, failure.document?.ref.path),
              isCounted: failure.remedy === 'count',
            },
          }),
      at,
    },
    task,
  );
  const asides = effects.setAside.map((entry) => setAsideWrite(ports.store.db, run.value.id, entry));
  const writes = [...effects.writes, ...asides];
  return (await ports.store.commitTurn(run.value.id, shard, after, writes)) === 'conflict'
    ? 'conflict'
    : after;
}

/** Enqueues what a commit stored. */
async function carryOn(
  { task, run, shard, ports }: TurnInHand,
  after: Shard | 'conflict',
): Promise<'committed' | 'conflict'> {
  if (after === 'conflict') return 'conflict';
  await drain(after.outbox, ports.queue);
  const quarantined = after.quarantined - shard.value.quarantined;
  if (quarantined > 0) {
    ports.log.write('WARNING', `${quarantined} documents were set aside`, {
      task: task.name,
      run: run.value.id,
      shard: after.index,
      turn: shard.value.turn,
    });
  }
  return 'committed';
}

/** What is done about a page that did not take effect. */
async function settle(
  turn: TurnInHand,
  failure: PageFailure,
  page?: { readonly inHand: PageInHand; readonly size: number },
): Promise<PageOutcome | 'conflict'> {
  const remedy = await remedyOf(turn, failure);
  switch (remedy) {
    case 'fail':
      return await failRun(turn, failure);
    case 'restart':
      return await beginAnew(turn, withFailure(turn, failure, page));
    case 'set-aside': {
      if (page === undefined || failure.document === undefined) return await failRun(turn, failure);
      const effects = new Effects([], () => turn.ports.clock.now());
      effects.quarantine(setAside(turn, failure.document, failure.error, turn.shard.value.failures + 1));
      const startedAt = turn.ports.clock.now();
      return await carryOn(turn, await commit(turn, page.inHand, { effects, documents: 1 }, startedAt));
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

async function remedyOf(
  turn: TurnInHand,
  { remedy, error, documents }: PageFailure,
): Promise<Remedy | 'restart'> {
  if (remedy === 'fail' || remedy === 'set-aside') return remedy;
  if ((await turn.attempt?.isLast()) !== true) return remedy;
  return remedyAtTheEnd(remedy, error, documents, turn.shard.value, turn.task);
}

/** The shard after a failure: nothing is held any more, and the next page is smaller where this one was too much. */
function withFailure(
  { shard, ports }: TurnInHand,
  { error, document, documents, remedy }: PageFailure,
  page: { readonly inHand: PageInHand; readonly size: number } | undefined,
): Shard {
  const { heldUntil: _, ...before } = shard.value;
  const isTooMuch = remedy === 'narrow' || remedy === 'smaller';
  const wasNarrowed = page !== undefined && page.size < page.inHand.documents.length;
  const pageSize = isTooMuch ? smallerPage(documents) : wasNarrowed ? page.size : before.pageSize;
  const at = ports.clock.now();
  return {
    ...before,
    ...(pageSize === undefined ? {} : { pageSize }),
    failures: before.failures + (remedy === 'count' ? 1 : 0),
    updatedAt: at,
    lastError: errorRecord(error, at, document?.ref.path),
  };
}

/** Ends the run, with the document, the error and its stack kept. */
async function failRun(turn: TurnInHand, { error, document }: PageFailure): Promise<'failed' | 'conflict'> {
  const { store, clock, log } = turn.ports;
  const { heldUntil: _, ...shard } = turn.shard.value;
  const run = turn.run.value;
  const record = errorRecord(error, clock.now(), document?.ref.path);
  const after = {
    run: { ...run, state: 'failed' as const, endedAt: record.at, error: record },
    shard: { ...shard, state: 'failed' as const, updatedAt: record.at, lastError: record },
  };
  if ((await store.commitRunAndShard(turn, after)) === 'conflict') return 'conflict';
  const where = { task: run.task, run: run.id, shard: shard.index, turn: shard.turn };
  log.write('ERROR', `The run failed for good: ${record.message}`, where);
  return 'failed';
}

/** Time for what was at fault to come back. */
const restartDelayMs = 30_000;

/** The queue gives the task up for no fault of the user's code: the chain goes on at its cursor under a new epoch, as after a healing. */
async function beginAnew(turn: TurnInHand, shard: Shard): Promise<'restarted' | 'conflict'> {
  const { store, queue, clock, log } = turn.ports;
  const run = turn.run.value;
  const now = clock.now();
  const after = delayed(restart(run, shard, now), now + restartDelayMs);
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

function delayed(shard: Shard, at: number): Shard {
  const next = shard.outbox.at(-1);
  return next === undefined ? shard : { ...shard, outbox: shard.outbox.with(-1, { ...next, at }) };
}
