import type { CollectionGroup, DocumentData, Query } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Drawing, Mark, Search } from '../core/drawing.ts';
import { pathBetween } from '../core/key-range.ts';
import { PageQuery } from './page-query.ts';

/** How far a boundary may lie from its place, as a share of a range: more exact ones cost more than they save. */
const tolerance = 0.05;
/** Halvings for one boundary; keys that resist get the best boundary found by then. */
const mostSteps = 150;
/** Behind every key. */
const beyond = '\u{10ffff}';
/** Behind every key of ASCII. */
const behindAscii = '\u007f';
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
 * @param soFar where to go on; from the beginning unless given
 * @returns how far it has come after one step more; without a search when it is complete.
 * @throws PageturnerError `invalid-query` when the query is not in the order of document names.
 */
export async function partition<D extends DocumentData>(
  query: Query<D>,
  parts: number,
  soFar?: Drawing,
): Promise<Drawing> {
  const walk = new PageQuery(query);
  walk.mustBeByName();
  if (soFar?.search !== undefined) return await halve(walk, soFar, soFar.search);
  return soFar ?? (await partitionsOfServer(query, parts)) ?? (await begin(walk, parts));
}

async function partitionsOfServer<D extends DocumentData>(
  query: Query<D>,
  parts: number,
): Promise<Drawing | undefined> {
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

async function begin<D extends DocumentData>(walk: PageQuery<D>, parts: number): Promise<Drawing> {
  const [total, first] = await Promise.all([walk.count({ from: null, before: null }), walk.firstFrom(null)]);
  const drawing: Drawing = { boundaries: [], total, reads: readsFor(total) + 2 };
  if (first === undefined) return drawing;
  const marks: readonly Mark[] = [
    { path: first, rank: 0, next: first },
    { path: await endBehind(walk, first), rank: total, next: null },
  ];
  const sought = middleFirst(1, parts - 1).map((part) => (part * total) / parts);
  return seek(drawing, { marks, sought, tolerance: (tolerance * total) / parts });
}

/** A path behind every document. Nearly all keys are ASCII: asking once whether these are saves a dozen halvings. */
async function endBehind<D extends DocumentData>(walk: PageQuery<D>, first: string): Promise<string> {
  const [parent, least] = walk.isOfOneCollection
    ? [`${first.slice(0, first.lastIndexOf('/'))}/`, '']
    : ['', `/\u0001`];
  const isAscii = (await walk.firstFrom(`${parent}${behindAscii}${least}`)) === undefined;
  return `${parent}${isAscii ? behindAscii : beyond}`;
}

/** The middle boundary first, then those of each half: every search has what was found before it on either side. */
function middleFirst(from: number, to: number): number[] {
  if (from > to) return [];
  const middle = Math.ceil((from + to) / 2);
  return [middle, ...middleFirst(from, middle - 1), ...middleFirst(middle + 1, to)];
}

/** Begins the search for the first of the boundaries that are sought; with none left, all are found. */
function seek({ total, reads }: Drawing, search: Pick<Search, 'marks' | 'sought' | 'tolerance'>): Drawing {
  const { marks, sought } = search;
  const [target] = sought;
  const counted = { reads, ...(total === undefined ? {} : { total }) };
  const below = marks.findLast(({ rank }) => target !== undefined && rank <= target);
  const above = marks.find(({ rank }) => target !== undefined && rank > target);
  if (below === undefined || above === undefined) {
    return { ...counted, boundaries: marks.slice(1, -1).map(({ path }) => path) };
  }
  return { ...counted, boundaries: [], search: { ...search, below, above, steps: 0 } };
}

async function halve<D extends DocumentData>(
  walk: PageQuery<D>,
  drawing: Drawing,
  search: Search,
): Promise<Drawing> {
  const { below, above, steps, marks } = search;
  // The document there is as close to what is halved next as its lower end can be.
  const lower = below.next ?? below.path;
  const path = isCloseEnough(search) ? undefined : pathBetween(lower, above.path);
  if (path === undefined) return settle(drawing, search);
  const next = (await walk.firstFrom(path)) ?? null;
  if (next === above.next) {
    const narrowed = { ...search, above: { path, rank: above.rank, next }, steps: steps + 1 };
    // Nothing is behind it: the searches to come need not look there either.
    const isEnd = next === null;
    return {
      ...drawing,
      reads: drawing.reads + 1,
      search: isEnd ? { ...narrowed, marks: [...marks.slice(0, -1), narrowed.above] } : narrowed,
    };
  }
  const between = await walk.count({ from: lower, before: path });
  const mark = { path, rank: below.rank + between, next };
  return {
    ...drawing,
    reads: drawing.reads + 1 + readsFor(between),
    search: { ...search, [mark.rank <= (search.sought[0] ?? 0) ? 'below' : 'above']: mark, steps: steps + 1 },
  };
}

function isCloseEnough(search: Search): boolean {
  const { below, above, steps, tolerance: most } = search;
  if (steps >= mostSteps || above.rank - below.rank <= 1) return true;
  return Math.min(distance(search, below), distance(search, above)) <= most;
}

function distance({ sought: [target = 0] }: Search, { rank }: Mark): number {
  return Math.abs(rank - target);
}

/** Takes the nearer of the two marks for the boundary, and goes on to the next. */
function settle(drawing: Drawing, search: Search): Drawing {
  const { below, above, marks, sought } = search;
  const { rank, next } = distance(search, below) < distance(search, above) ? below : above;
  const isNew = next !== null && rank > 0 && marks.every(({ path }) => path !== next);
  const found = isNew ? [...marks, { path: next, rank, next }].toSorted((a, b) => a.rank - b.rank) : marks;
  return seek(drawing, { ...search, marks: found, sought: sought.slice(1) });
}

function readsFor(count: number): number {
  return Math.max(1, Math.ceil(count / entriesARead));
}
