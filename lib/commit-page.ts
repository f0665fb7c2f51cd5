import type { DocumentData } from '@google-cloud/firestore';
import { blame } from './core/blame.ts';
import { errorRecord } from './core/errors.ts';
import { firstPageSize, pageSizeAfter } from './core/page-size.ts';
import type { Shard } from './core/run.ts';
import { mostDocuments, nextPageAt, shareOf } from './core/throttle.ts';
import { advance } from './core/turn-rules.ts';
import { drainTurn } from './drain-turn.ts';
import { taken } from './dry-run.ts';
import type { Handled, TurnInHand } from './handle-page.ts';
import type { Page, SetAsidePage } from './ports.ts';
import { keptAlready, setAsideWrite, takeBackWrite } from './set-aside.ts';
import { childWrites } from './track-children.ts';

/** The page that a turn has read. */
export interface PageInHand extends Page<DocumentData> {
  /** Of a page of set-aside documents: what else belongs to it. */
  readonly setAside?: Pick<SetAsidePage, 'gone' | 'read' | 'end'>;
  readonly params: unknown;
  /** How many documents were asked for. */
  readonly limit: number;
}

/** Commits what the user's code asked for, together with the progress that it is. */
export async function commitPage(
  { task, run, shard, deadline, ports }: TurnInHand,
  page: PageInHand,
  handled: Handled,
  startedAt: number,
): Promise<Shard | 'conflict'> {
  const { effects, documents, failure, state } = handled;
  const at = ports.clock.now();
  const blamed = failure?.remedy === 'count' ? blame(shard.value, failure.document) : undefined;
  const last = page.documents[documents - 1];
  const isWhole = documents === page.documents.length;
  const { gone, read, end } = page.setAside ?? { gone: [], read: page.documents.length, end: null };
  // What a failed document kept from being handled is no sign that the page was too large.
  const current = failure === undefined && !isWhole ? documents : page.limit;
  const timed = { documents, tookMs: at - startedAt, limitMs: deadline.limitMs, most: page.most };
  const share = shareOf(task, run.value, at);
  const next = Math.min(pageSizeAfter(task.pageSize, current, timed), mostDocuments(share));
  const { writes: asked, ...toKeep } = taken(run.value, effects, shard.value.report);
  const { db } = ports.store;
  const position = last === undefined ? null : page.positionOf(last);
  const isByField = page.setAside === undefined && (position?.values.length ?? 0) > 0;
  const kept = isByField ? await keptAlready(db, run.value.id, effects.setAside) : new Set();
  const after = advance(run.value, shard.value, {
    documents,
    quarantined: effects.setAside.length,
    takenBack: page.setAside === undefined ? kept.size : documents + gone.length,
    isLast: isWhole && read < page.limit,
    end: isWhole && end !== null ? end : position,
    ...toKeep,
    pageSize: next === firstPageSize(task.pageSize) ? undefined : next,
    nextAt: nextPageAt(share, documents, startedAt, at),
    state,
    ...(failure === undefined
      ? {}
      : { failure: { record: errorRecord(failure.error, at, failure.document?.ref.path), blamed } }),
    at,
  });
  const fresh = effects.setAside.filter(({ path }) => !kept.has(path));
  const asides = fresh.map((entry) => setAsideWrite(db, run.value.id, entry));
  const takenAgain = page.setAside === undefined ? [] : page.documents.slice(0, documents);
  const isStillAside = (path: string): boolean => effects.setAside.some((entry) => entry.path === path);
  const cleared = [...gone, ...takenAgain.map(({ ref }) => ref.path).filter((path) => !isStillAside(path))];
  const takenBack = cleared.map((path) => takeBackWrite(db, run.value.id, path));
  const waitedFor = childWrites(db, run.value.id, toKeep.children, at);
  const writes = [...asked, ...asides, ...takenBack, ...waitedFor];
  return (await ports.store.commitTurn(run.value.id, shard, after, writes)) === 'conflict'
    ? 'conflict'
    : after;
}

/** Enqueues what a commit stored. */
export async function carryOn(
  { task, run, shard, ports }: TurnInHand,
  { effects }: Pick<Handled, 'effects'>,
  after: Shard | 'conflict',
): Promise<'committed' | 'conflict'> {
  if (after === 'conflict') return 'conflict';
  await drainTurn(run.value.id, after, ports);
  const quarantined = effects.setAside.length;
  if (quarantined > 0) {
    const few = quarantined === 1 ? '1 document was' : `${quarantined} documents were`;
    ports.log.write('WARNING', `${few} set aside`, {
      task: task.name,
      run: run.value.id,
      shard: after.index,
      turn: shard.value.turn,
    });
  }
  return 'committed';
}
