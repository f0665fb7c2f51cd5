import type { Cursor } from './cursor.ts';
import type { TurnDelivery } from './delivery.ts';
import { rangesBetween, type KeyRange } from './key-range.ts';
import type { Json } from './parameters.ts';
import { rangeOf, type Run, type Shard } from './run.ts';

/** All that decides which documents a page of a query has. */
export interface PageRequest {
  /** JSON text of the run's parameters, from which the query is made. */
  readonly params: string;
  readonly range: KeyRange;
  readonly after: Cursor | null;
  readonly limit: number;
}

/** What of a run never changes once it is prepared, and decides its pages. */
export interface FrozenRun {
  readonly params: string;
  readonly boundaries: readonly string[];
}

/** A cursor that is larger than this stays out of deliveries: a task may have 100 KB, and Firestore orders by longer texts. */
const largestDeliveredCursor = 10_000;

/** @param limit documents that the page has at most */
export function requestOf(run: Run, shard: Shard, limit: number): PageRequest {
  return { params: run.params, range: rangeOf(run, shard.index), after: shard.cursor, limit };
}

/** The request that a delivery promises; undefined when it does not say where its page starts, or the run has no such shard. */
export function expectedRequest(
  { params, boundaries }: FrozenRun,
  { cursor, shard, expected }: TurnDelivery,
  firstSize: number,
): PageRequest | undefined {
  const range = rangesBetween(boundaries)[shard];
  if (expected === undefined || range === undefined) return undefined;
  const after = cursorFrom(cursor);
  return after === undefined ? undefined : { params, range, after, limit: expected.pageSize ?? firstSize };
}

/** Whether two requests are for the same documents. */
export function isSameRequest(one: PageRequest, other: PageRequest): boolean {
  return (
    one.params === other.params &&
    one.limit === other.limit &&
    one.range.from === other.range.from &&
    one.range.before === other.range.before &&
    isSameCursor(one.after, other.after)
  );
}

/** What a delivery tells of its shard: where the chain stands, and whether its page can be asked for by that. */
export function placeOf({
  cursor,
  source,
  pageSize,
  lastWord,
}: Shard): Pick<TurnDelivery, 'cursor' | 'expected'> {
  const told = deliveredCursor(cursor);
  const isExpected =
    source === undefined && lastWord === undefined && isSameCursor(cursorFrom(told) ?? null, cursor);
  return {
    cursor: told,
    ...(isExpected ? { expected: pageSize === undefined ? {} : { pageSize } } : {}),
  };
}

/** A cursor for people who look into the queue; null where it is too large for a task. */
export function deliveredCursor(cursor: Cursor | null): Json {
  const readable = cursor?.readable ?? null;
  return JSON.stringify(readable).length > largestDeliveredCursor ? null : readable;
}

/** The cursor of which this is the readable form, if its values are such that JSON carries; undefined when it is none at all. */
function cursorFrom(readable: Json): Cursor | null | undefined {
  if (readable === null) return null;
  if (!Array.isArray(readable)) return undefined;
  const path = readable.at(-1);
  return typeof path === 'string' ? { path, values: readable.slice(0, -1), readable } : undefined;
}

/** Values that are objects (instants, references, bytes, arrays) are never the same: their readable form may have lost a part of them. */
function isSameCursor(one: Cursor | null, other: Cursor | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.path === other.path &&
    one.values.length === other.values.length &&
    one.values.every((value, place) => value === other.values[place])
  );
}
