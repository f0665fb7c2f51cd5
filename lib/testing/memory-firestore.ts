import type { DocumentData, Firestore, OrderByDirection, WhereFilterOp } from '@google-cloud/firestore';
import { compareValues } from './compare-values.ts';
import { copyOf } from './copy.ts';

export interface Stored {
  readonly data: DocumentData;
  /** Grows with every write, as an update time does. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
}

/** A failed precondition, with the code that Firestore gives it. */
export class MemoryCommitError extends Error {
  override readonly name = 'MemoryCommitError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * As much of Firestore as walks and handlers need, in memory: documents, queries by equality and order, and commits
 * that take effect whole. A commit costs what it writes, a query the collections that it looks at. For tests and simulations of
 * tasks; `test/contracts` holds it to the real one.
 */
export class MemoryFirestore {
  /** By the collection's path, then by the document's id. What is stored is never changed, only replaced. */
  readonly #collections = new Map<string, Map<string, Stored>>();
  readonly #now: () => number;
  #version = 0;

  /** @param now the time of its writes, in milliseconds since 1970 */
  constructor(now: () => number = () => Date.now()) {
    this.#now = now;
  }

  /** The same object under the client's type, for code that asks for it. What is not implemented is missing. */
  asFirestore(): Firestore {
    return this as unknown as Firestore;
  }

  doc(path: string): MemoryReference {
    return new MemoryReference(this, path);
  }

  collection(path: string): MemoryCollection {
    return new MemoryCollection(this, path);
  }

  collectionGroup(id: string): MemoryQuery {
    return new MemoryQuery(this, () => [...this.#collections.keys()].filter((path) => idOf(path) === id));
  }

  read(path: string): MemoryDocument {
    return new MemoryDocument(this.doc(path), this.#stored(path));
  }

  /** The documents of some collections, in no order. */
  documentsIn(collections: readonly string[]): MemoryDocument[] {
    return collections.flatMap((collection) =>
      Array.from(
        this.#collections.get(collection) ?? [],
        ([id, stored]) => new MemoryDocument(this.doc(`${collection}/${id}`), stored),
      ),
    );
  }

  /** Runs `changes`, which takes effect whole when it does not throw, and not at all when it does. */
  commit(changes: (batch: MemoryBatch) => void): void {
    this.#version += 1;
    const written = { version: this.#version, writtenAt: this.#now() };
    const batch = new MemoryBatch((path) => this.#stored(path), written);
    changes(batch);
    for (const [path, stored] of batch.changes) this.#replace(path, stored);
  }

  #stored(path: string): Stored | undefined {
    return this.#collections.get(parentOf(path))?.get(idOf(path));
  }

  #replace(path: string, stored: Stored | undefined): void {
    const parent = parentOf(path);
    const collection = this.#collections.get(parent) ?? new Map<string, Stored>();
    if (stored === undefined) collection.delete(idOf(path));
    else collection.set(idOf(path), stored);
    if (collection.size === 0) this.#collections.delete(parent);
    else this.#collections.set(parent, collection);
  }
}

/** The documents as they will be. */
export class MemoryBatch {
  /** What each written document becomes; undefined where it is deleted. */
  readonly changes: Map<string, Stored | undefined> = new Map();
  readonly #before: (path: string) => Stored | undefined;
  readonly #written: Omit<Stored, 'data'>;

  constructor(before: (path: string) => Stored | undefined, written: Omit<Stored, 'data'>) {
    this.#before = before;
    this.#written = written;
  }

  set(path: string, data: DocumentData, isMerging = false): void {
    const before = isMerging ? this.#read(path)?.data : undefined;
    this.changes.set(path, { data: { ...before, ...copyOf(data) }, ...this.#written });
  }

  create(path: string, data: DocumentData): void {
    if (this.#read(path) !== undefined) throw new MemoryCommitError(6, `${path} exists already`);
    this.set(path, data);
  }

  update(path: string, data: DocumentData): void {
    if (this.#read(path) === undefined) throw new MemoryCommitError(5, `${path} does not exist`);
    this.set(path, data, true);
  }

  delete(path: string): void {
    this.changes.set(path, undefined);
  }

  /** @throws MemoryCommitError when the document is not as it was read. */
  expect(path: string, version: number | undefined): void {
    if (this.#read(path)?.version === version) return;
    throw new MemoryCommitError(9, `${path} is not as it was read`);
  }

  #read(path: string): Stored | undefined {
    return this.changes.has(path) ? this.changes.get(path) : this.#before(path);
  }
}

/** As much of a DocumentReference as tasks use. */
export class MemoryReference {
  readonly path: string;
  readonly #db: MemoryFirestore;

  constructor(db: MemoryFirestore, path: string) {
    this.#db = db;
    this.path = path;
  }

  get id(): string {
    return idOf(this.path);
  }

  get(): Promise<MemoryDocument> {
    return Promise.resolve(this.#db.read(this.path));
  }
}

/** As much of a QueryDocumentSnapshot as tasks use. */
export class MemoryDocument {
  readonly ref: MemoryReference;
  readonly #stored: Stored | undefined;

  constructor(ref: MemoryReference, stored: Stored | undefined) {
    this.ref = ref;
    this.#stored = stored;
  }

  get id(): string {
    return this.ref.id;
  }

  get exists(): boolean {
    return this.#stored !== undefined;
  }

  get version(): number | undefined {
    return this.#stored?.version;
  }

  get writtenAt(): number | undefined {
    return this.#stored?.writtenAt;
  }

  /** A copy of one's own. */
  data(): DocumentData | undefined {
    return copyOf(this.#stored?.data);
  }

  get(field: string): unknown {
    const value: unknown = this.#stored?.data[field];
    return copyOf(value);
  }
}

interface Order {
  readonly field: string;
  readonly direction: OrderByDirection;
}

/** A query by equality and order. Its full order ends with the document's path, as Firestore's does. */
export class MemoryQuery {
  readonly db: MemoryFirestore;
  readonly orders: readonly Order[];
  readonly #collections: () => readonly string[];
  readonly #filters: readonly ((document: MemoryDocument) => boolean)[];

  constructor(
    db: MemoryFirestore,
    collections: () => readonly string[],
    filters: readonly ((document: MemoryDocument) => boolean)[] = [],
    orders: readonly Order[] = [],
  ) {
    this.db = db;
    this.orders = orders;
    this.#collections = collections;
    this.#filters = filters;
  }

  where(field: string, operator: WhereFilterOp, value: unknown): MemoryQuery {
    if (operator !== '==') throw new Error(`The memory database filters by == only, and this is ${operator}`);
    const filter = (document: MemoryDocument): boolean => compareValues(document.get(field), value) === 0;
    return new MemoryQuery(this.db, this.#collections, [...this.#filters, filter], this.orders);
  }

  orderBy(field: string, direction: OrderByDirection = 'asc'): MemoryQuery {
    const orders = [...this.orders, { field, direction }];
    return new MemoryQuery(this.db, this.#collections, this.#filters, orders);
  }

  /** The documents in order, those without an ordered field left out. */
  documents(): readonly MemoryDocument[] {
    return this.db
      .documentsIn(this.#collections())
      .filter((document) => this.orders.every(({ field }) => document.get(field) !== undefined))
      .filter((document) => this.#filters.every((filter) => filter(document)))
      .map((document) => ({ document, position: this.position(document) }))
      .toSorted((a, b) => this.compare(a.position, b.position))
      .map(({ document }) => document);
  }

  position(document: MemoryDocument): Position {
    return { values: this.orders.map(({ field }) => document.get(field)), path: document.ref.path };
  }

  compare(a: Position, b: Position): number {
    for (const [place, { direction }] of this.orders.entries()) {
      const order = compareValues(a.values[place], b.values[place]);
      if (order !== 0) return direction === 'desc' ? -order : order;
    }
    const order = comparePaths(a.path, b.path);
    return this.orders.at(-1)?.direction === 'desc' ? -order : order;
  }
}

interface Position {
  readonly values: readonly unknown[];
  readonly path: string;
}

export class MemoryCollection extends MemoryQuery {
  readonly #path: string;

  constructor(db: MemoryFirestore, path: string) {
    super(db, () => [path]);
    this.#path = path;
  }

  doc(id: string): MemoryReference {
    return this.db.doc(`${this.#path}/${id}`);
  }
}

/** Segment by segment, as Firestore compares document names. */
export function comparePaths(a: string, b: string): number {
  if (parentOf(a) === parentOf(b)) return compareValues(idOf(a), idOf(b));
  const [left, right] = [a.split('/'), b.split('/')];
  for (const [place, segment] of left.entries()) {
    const order = compareValues(segment, right[place] ?? '');
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function idOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
