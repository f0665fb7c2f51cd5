import {
  FieldPath,
  type DocumentData,
  type Query,
  type QueryDocumentSnapshot,
} from '@google-cloud/firestore';
import type { Cursor } from '../core/cursor.ts';
import type { KeyRange } from '../core/key-range.ts';
import { PageturnerError } from '../core/errors.ts';
import { readable } from './readable.ts';

const everything: KeyRange = { from: null, before: null };

/** An order of a query, explicit or implied by its filters. */
interface Order {
  readonly field: FieldPath;
  /** The field's path as the wire has it. */
  readonly name: string;
  readonly isDocumentName: boolean;
  readonly direction: 'asc' | 'desc';
}

/**
 * The walk over a query: its documents in the one order that the server gives them, so that a position in it can be named by values
 * and a page can start behind a document that has been changed or deleted since.
 */
export class PageQuery<D extends DocumentData> {
  readonly #ordered: Query<D>;
  readonly #orders: readonly Order[];
  /** Rather than of a collection group. */
  readonly isOfOneCollection: boolean;

  /** @throws PageturnerError `invalid-query` when the query has limits or cursors of its own. */
  constructor(query: Query<D>) {
    const { explicit, all, isOfOneCollection } = ordersOf(query);
    this.#orders = all;
    this.isOfOneCollection = isOfOneCollection;
    this.#ordered = all
      .slice(explicit)
      .reduce((ordered, { field, direction }) => ordered.orderBy(field, direction), query);
  }

  /** The query for the page behind the cursor, within the range. */
  page(after: Cursor | null, limit: number, range: KeyRange = everything): Query<D> {
    if (after === null) return this.#within(range).limit(limit);
    const values = [...after.values];
    const position = this.#orders.map(({ isDocumentName }) =>
      isDocumentName ? this.#ordered.firestore.doc(after.path) : values.shift(),
    );
    return this.#within({ ...range, from: null })
      .startAfter(...position)
      .limit(limit);
  }

  /** How many documents a range has. */
  async count(range: KeyRange): Promise<number> {
    const counted = await this.#within(range).count().get();
    return counted.data().count;
  }

  /**
   * The path of the first document at or behind a path, and before another; undefined when there is none. (Nobody gives the last: keys are
   * not scanned downwards.)
   */
  async firstFrom(from: string | null, before: string | null = null): Promise<string | undefined> {
    const { docs } = await this.#within({ from, before }).select().limit(1).get();
    return docs[0]?.ref.path;
  }

  /** @throws PageturnerError `invalid-query` when ranges of keys would not be ranges of the walk. */
  mustBeByName(): void {
    const [order, ...others] = this.#orders;
    if (order?.isDocumentName === true && order.direction === 'asc' && others.length === 0) return;
    const given = this.#orders.map(({ name, direction }) => `${name} ${direction}`).join(', ');
    throw new PageturnerError(
      'invalid-query',
      `query() walks in the order of ${given}, and shards are ranges of document names: ` +
        'a page of one shard would hold documents of another. Leave out orderBy() and filters other than ==, or shards.',
    );
  }

  #within({ from, before }: KeyRange): Query<D> {
    const { firestore } = this.#ordered;
    const begun = from === null ? this.#ordered : this.#ordered.startAt(firestore.doc(from));
    return before === null ? begun : begun.endBefore(firestore.doc(before));
  }

  /**
   * The position of a document.
   *
   * @throws PageturnerError `invalid-query` when the document lacks an ordered field, because of `select()`, or has a number that
   *   this client cannot represent.
   */
  cursorOf(document: QueryDocumentSnapshot<D>): Cursor {
    const values = this.#orders
      .filter(({ isDocumentName }) => !isDocumentName)
      .map(({ field, name }) => exactValue(document.get(field) as unknown, document.ref.path, name));
    return { path: document.ref.path, values, readable: [...values.map(readable), document.ref.path] };
  }
}

function exactValue(value: unknown, path: string, field: string): unknown {
  if (value === undefined) {
    throw new PageturnerError(
      'invalid-query',
      `${path} came without its field ${field}, by which the query is ordered; add it to select().`,
    );
  }
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new PageturnerError(
      'invalid-query',
      `Field ${field} of ${path} is an integer beyond 2^53, so a page behind it could lose documents; order by another field.`,
    );
  }
  return value;
}

/** The part of a query's wire form that is read here. */
interface StructuredQuery {
  readonly from?: readonly { readonly allDescendants?: boolean | null }[];
  readonly limit?: unknown;
  readonly offset?: unknown;
  readonly startAt?: unknown;
  readonly endAt?: unknown;
  readonly findNearest?: unknown;
  readonly orderBy?: readonly {
    readonly field: { readonly fieldPath: string };
    readonly direction: string;
  }[];
}

/** The client computes the implied orders for its own cursors, but publishes them only in the wire form of the query. */
interface WithWireForm {
  toProto?(
    readTime: undefined,
    explain: undefined,
    withImpliedOrder: boolean,
  ): { structuredQuery?: StructuredQuery };
}

function ordersOf(query: unknown): {
  explicit: number;
  all: readonly Order[];
  isOfOneCollection: boolean;
} {
  const client = query as WithWireForm;
  const own = client.toProto?.(undefined, undefined, false).structuredQuery;
  const full = client.toProto?.(undefined, undefined, true).structuredQuery?.orderBy;
  if (own === undefined || full === undefined || full.at(-1)?.field.fieldPath === undefined) {
    throw new PageturnerError(
      'invalid-query',
      'query() did not return a Firestore query that this version of @google-cloud/firestore can lay in order.',
    );
  }
  for (const [part, method] of notPaged) {
    if (own[part] !== undefined && own[part] !== null) {
      throw new PageturnerError(
        'invalid-query',
        `query() returned a query with ${method}; the pages are Pageturner's: use where() to narrow what is walked, and pageSize for the size of a page.`,
      );
    }
  }
  const all = full.map(({ field: { fieldPath }, direction }) => ({
    field: fieldPath === '__name__' ? FieldPath.documentId() : new FieldPath(...segmentsOf(fieldPath)),
    name: fieldPath,
    isDocumentName: fieldPath === '__name__',
    direction: direction === 'DESCENDING' ? ('desc' as const) : ('asc' as const),
  }));
  return {
    explicit: own.orderBy?.length ?? 0,
    all,
    isOfOneCollection: own.from?.[0]?.allDescendants !== true,
  };
}

const notPaged = [
  ['limit', 'limit()'],
  ['offset', 'offset()'],
  ['startAt', 'startAt() or startAfter()'],
  ['endAt', 'endAt() or endBefore()'],
  ['findNearest', 'findNearest()'],
] as const;

/** Segments of a field path as the wire has it: `a.b`, or with quotes `` a.`b.c` ``. */
function segmentsOf(fieldPath: string): string[] {
  return [...fieldPath.matchAll(/`((?:[^`\\]|\\.)*)`|([^.`]+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? '') : quoted.replaceAll(/\\(.)/g, '$1'),
  );
}
