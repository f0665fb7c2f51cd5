import type { CollectionGroup, DocumentData, Query } from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Drawing, Mark, Search } from '../core/drawing.ts';
import { pathBetween } from '../core/key-range.ts';
import { PageQuery } from './page-query.ts';

/** How far a boundary may lie from its place, as a share of a range: more exact ones cost more than they save. */
const tolerance = 0.05;
/** Steps for one boundary; keys that resist get the best boundary found by then. */
const mostSteps = 150;
/** Behind every key. */
const beyond = '\u{10ffff}';
/** Behind every key of ASCII. */
const behindAscii = '\u007f';
/** A count is billed as one read for each thousand index entries that it passes, and one at least. */
const entriesARead = 1000;

/**
 * Finds keys that part a query into `parts` ranges of about the same number of documents. The server's own partitions are taken where
 * it has them (a collection group without a filter, on Google's servers); else the keys are found by parting the space between the
 * first and the last one, and counting.
 *
 * Counting N documents costs N/1000 reads, one at least. Each step counts the documents of a part, and reads one now and then: some
 * four steps a boundary for random ids, at most 150 whatever the keys. `reads` tells what it came to.
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
  if (soFar?.search !== undefined) return await narrow(walk, soFar, soFar.search);
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
    { path: first, rank: 0, isDocument: true },
    { path: await endBehind(walk, first), rank: total, isDocument: false },
  ];
  const sought = middleFirst(1, parts - 1).map((part) => (part * total) / parts);
  return seek(drawing, { marks, sought, tolerance: (tolerance * total) / parts, isResisted: false });
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
function seek({ total, reads }: Drawing, search: Omit<Search, 'below' | 'above' | 'steps'>): Drawing {
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

async function narrow<D extends DocumentData>(
  walk: PageQuery<D>,
  drawing: Drawing,
  search: Search,
): Promise<Drawing> {
  const { below, above, isResisted } = search;
  if (isCloseEnough(search)) return settle(drawing, search);
  const path = pathBetween(below.path, above.path, shareOf(search));
  if (path === undefined && below.isDocument) return settle(drawing, search);
  if (path === undefined) return await fromFirst(walk, drawing, search);
  let { reads } = drawing;
  if (isResisted) {
    // A read tells that all of a part is before the path. Counting it would cost one for each thousand.
    reads += 1;
    if ((await walk.firstFrom(path, above.path)) === undefined)
      return { ...drawing, reads, search: marked(search, { path, rank: above.rank, isDocument: false }) };
  }
  const between = await walk.count({ from: below.path, before: path });
  reads += readsFor(between);
  const after = marked(search, { path, rank: below.rank + between, isDocument: false });
  const isNothing = between === 0 && !below.isDocument;
  return isNothing
    ? await fromFirst(walk, { ...drawing, reads }, after)
    : { ...drawing, reads, search: after };
}

/** The search with a mark instead of the one on its side of the target. */
function marked(search: Search, mark: Mark): Search {
  const { below, above, marks, steps } = search;
  // Nothing is behind it: the searches to come need not look there either.
  const isEnd = mark.rank === above.rank && above.path === marks.at(-1)?.path;
  return {
    ...search,
    [mark.rank <= targetOf(search) ? 'below' : 'above']: mark,
    marks: isEnd ? [...marks.slice(0, -1), mark] : marks,
    steps: steps + 1,
    isResisted: mark.rank === below.rank || mark.rank === above.rank,
  };
}

/** Keys that have much in common resist: the first of them is as close to what is parted next as its lower end can be. */
async function fromFirst<D extends DocumentData>(
  walk: PageQuery<D>,
  drawing: Drawing,
  search: Search,
): Promise<Drawing> {
  const first = await walk.firstFrom(search.below.path);
  // Without one, documents were deleted meanwhile.
  const below = { ...search.below, path: first ?? search.below.path, isDocument: true };
  return { ...drawing, reads: drawing.reads + 1, search: { ...search, below } };
}

/**
 * Where between its two marks a search looks next: where its target is if keys are spread evenly, and in turn half-way, which comes to
 * its end however they are.
 */
function shareOf(search: Search): number | undefined {
  const { below, above, steps } = search;
  return steps % 2 === 0 ? (targetOf(search) - below.rank) / (above.rank - below.rank) : undefined;
}

function isCloseEnough(search: Search): boolean {
  const { below, above, steps, tolerance: most } = search;
  if (steps >= mostSteps || above.rank - below.rank <= 1) return true;
  return Math.min(distance(search, below), distance(search, above)) <= most;
}

function targetOf({ sought: [target = 0] }: Search): number {
  return target;
}

function distance(search: Search, { rank }: Mark): number {
  return Math.abs(rank - targetOf(search));
}

/** Takes the nearer of the two marks for the boundary, and goes on to the next. */
function settle(drawing: Drawing, search: Search): Drawing {
  const { below, above, marks, sought } = search;
  const nearer = distance(search, below) < distance(search, above) ? below : above;
  const isNew = marks.every(({ rank }) => rank !== nearer.rank);
  const found = isNew ? [...marks, nearer].toSorted((a, b) => a.rank - b.rank) : marks;
  return seek(drawing, { ...search, marks: found, sought: sought.slice(1) });
}

function readsFor(count: number): number {
  return Math.max(1, Math.ceil(count / entriesARead));
}
