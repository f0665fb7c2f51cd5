import type { CollectionGroup, DocumentData, Query } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import { pathBetween } from '../core/key-range.ts';
import { PageQuery } from './page-query.ts';

export interface Partition {
  /** Paths at which a new range begins, in order; fewer than asked for when there are too few documents. */
  readonly boundaries: readonly string[];
  /** What finding them cost, in document reads as Google bills them. */
  readonly reads: number;
}

/** A position in the walk. */
interface Mark {
  readonly path: string;
  /** How many documents stand before it. */
  readonly rank: number;
  /** The first document at or behind it. */
  readonly next: string | undefined;
}

/** How far a boundary may lie from its place, as a share of a range: more exact ones cost more than they save. */
const tolerance = 0.05;
/** Halvings for one boundary; keys that resist get the best boundary found by then. */
const mostSteps = 150;
/** Behind every key. */
const beyond = '\u{10ffff}';
/** A count is billed as one read for each thousand index entries that it passes, and one at least. */
const entriesARead = 1000;

/**
 * Finds keys that part a query into `parts` ranges of about the same number of documents. The server's own partitions are taken where
 * it has them (a collection group without a filter, on Google's servers); else the keys are found by halving the space between the
 * first and the last one, and counting.
 *
 * Counting N documents costs N/1000 reads. Each halving costs one read, and a count of the documents between where there are any:
 * at most 150 halvings a boundary, whatever the keys. `reads` tells what it came to.
 *
 * @throws PageturnerError `invalid-query` when the query is not in the order of document names.
 */
export async function partition<D extends DocumentData>(query: Query<D>, parts: number): Promise<Partition> {
  const walk = new PageQuery(query);
  walk.mustBeByName();
  const given = await partitionsOfServer(query, parts);
  return given ?? (await partitionByCounting(walk, parts));
}

async function partitionsOfServer<D extends DocumentData>(
  query: Query<D>,
  parts: number,
): Promise<Partition | undefined> {
  if (!('getPartitions' in query)) return undefined;
  const boundaries: string[] = [];
  try {
    for await (const { startAt } of (query as unknown as CollectionGroup<D>).getPartitions(parts)) {
      const [reference] = (startAt ?? []) as { readonly path: string }[];
      if (reference !== undefined) boundaries.push(reference.path);
    }
  } catch (error) {
    // The emulator has no partitions.
    if ((error as { code?: unknown }).code === status.UNIMPLEMENTED) return undefined;
    throw error;
  }
  return { boundaries, reads: boundaries.length };
}

async function partitionByCounting<D extends DocumentData>(
  walk: PageQuery<D>,
  parts: number,
): Promise<Partition> {
  const [total, first] = await Promise.all([walk.count({ from: null, before: null }), walk.firstFrom(null)]);
  let reads = readsFor(total) + 1;
  if (first === undefined) return { boundaries: [], reads };
  const top = walk.isOfOneCollection ? `${first.slice(0, first.lastIndexOf('/'))}/${beyond}` : beyond;
  const marks: Mark[] = [
    { path: first, rank: 0, next: first },
    { path: top, rank: total, next: undefined },
  ];
  const boundaries: string[] = [];
  for (let part = 1; part < parts; part += 1) {
    const target = (part * total) / parts;
    for (let step = 0; step < mostSteps; step += 1) {
      const below = nearest(
        marks.filter(({ rank }) => rank <= target),
        target,
      );
      const above = nearest(
        marks.filter(({ rank }) => rank > target),
        target,
      );
      if (below === undefined || above === undefined || above.rank - below.rank <= 1) break;
      if (Math.min(target - below.rank, above.rank - target) <= (tolerance * total) / parts) break;
      // The document there is as close to what is halved next as its lower end can be.
      const lower = below.next ?? below.path;
      const path = pathBetween(lower, above.path);
      if (path === undefined) break;
      const next = await walk.firstFrom(path);
      reads += 1;
      if (next === above.next) {
        marks.push({ path, rank: above.rank, next });
        continue;
      }
      const between = await walk.count({ from: lower, before: path });
      reads += readsFor(between);
      marks.push({ path, rank: below.rank + between, next });
    }
    const best = nearest(marks, target);
    if (best?.next !== undefined && best.rank > 0 && best.next !== boundaries.at(-1))
      boundaries.push(best.next);
  }
  return { boundaries, reads };
}

/** The mark closest to a rank; of those that are equally close the one that was found last, which lies closest in keys. */
function nearest(marks: readonly Mark[], target: number): Mark | undefined {
  return marks.reduce<Mark | undefined>(
    (best, mark) =>
      best === undefined || Math.abs(mark.rank - target) <= Math.abs(best.rank - target) ? mark : best,
    undefined,
  );
}

function readsFor(count: number): number {
  return Math.max(1, Math.ceil(count / entriesARead));
}
