import type { DocumentData, Firestore, OrderByDirection, WhereFilterOp } from '@google-cloud/firestore';
import { compareValues } from './compare-values.ts';

interface Stored {
  readonly data: DocumentData;
  /** Grows with every write, as an update time does. */
  readonly version: number;
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
 * As much of Firestore as walks and handlers need, in memory and without time: documents, queries by equality and order, and commits
 * that take effect whole. For tests and simulations of tasks; `test/contracts` holds it to the real one.
 */
export class MemoryFirestore {
  readonly #documents = new Map<string, Stored>();
  #version = 0;

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
    return new MemoryQuery(this, (path) => path.split('/').at(-2) === id);
  }

  /** Every document, in the order of paths. */
  all(): readonly MemoryDocument[] {
    return [...this.#documents.keys()].toSorted(comparePaths).map((path) => this.read(path));
  }

  read(path: string): MemoryDocument {
    const stored = this.#documents.get(path);
    return new MemoryDocument(this.doc(path), stored && structuredClone(stored.data), stored?.version);
  }

  /** Runs `changes` on a copy of the documents, which takes their place when it does not throw. */
  commit(changes: (batch: MemoryBatch) => void): void {
    const batch = new MemoryBatch(new Map(this.#documents), (this.#version += 1));
    changes(batch);
    this.#documents.clear();
    for (const [path, stored] of batch.documents) this.#documents.set(path, stored);
  }
}

/** The documents as they will be. */
export class MemoryBatch {
  readonly documents: Map<string, Stored>;
  readonly #version: number;

  constructor(documents: Map<string, Stored>, version: number) {
    this.documents = documents;
    this.#version = version;
  }

  set(path: string, data: DocumentData, isMerging = false): void {
    const before = isMerging ? this.documents.get(path)?.data : undefined;
    this.documents.set(path, { data: structuredClone({ ...before, ...data }), version: this.#version });
  }

  create(path: string, data: DocumentData): void {
    if (this.documents.has(path)) throw new MemoryCommitError(6, `${path} exists already`);
    this.set(path, data);
  }

  update(path: string, data: DocumentData): void {
    if (!this.documents.has(path)) throw new MemoryCommitError(5, `${path} does not exist`);
    this.set(path, data, true);
  }

  delete(path: string): void {
    this.documents.delete(path);
  }

  /** @throws MemoryCommitError when the document is not as it was read. */
  expect(path: string, version: number | undefined): void {
    if (this.documents.get(path)?.version === version) return;
    throw new MemoryCommitError(9, `${path} is not as it was read`);
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
    return this.path.split('/').at(-1) ?? '';
  }

  get(): Promise<MemoryDocument> {
    return Promise.resolve(this.#db.read(this.path));
  }
}

/** As much of a QueryDocumentSnapshot as tasks use. */
export class MemoryDocument {
  readonly ref: MemoryReference;
  readonly version: number | undefined;
  readonly #data: DocumentData | undefined;

  constructor(ref: MemoryReference, data: DocumentData | undefined, version: number | undefined) {
    this.ref = ref;
    this.#data = data;
    this.version = version;
  }

  get id(): string {
    return this.ref.id;
  }

  get exists(): boolean {
    return this.#data !== undefined;
  }

  data(): DocumentData | undefined {
    return this.#data;
  }

  get(field: string): unknown {
    return this.#data?.[field];
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
  readonly #includes: (path: string) => boolean;
  readonly #filters: readonly ((document: MemoryDocument) => boolean)[];

  constructor(
    db: MemoryFirestore,
    includes: (path: string) => boolean,
    filters: readonly ((document: MemoryDocument) => boolean)[] = [],
    orders: readonly Order[] = [],
  ) {
    this.db = db;
    this.orders = orders;
    this.#includes = includes;
    this.#filters = filters;
  }

  where(field: string, operator: WhereFilterOp, value: unknown): MemoryQuery {
    if (operator !== '==') throw new Error(`The memory database filters by == only, and this is ${operator}`);
    const filter = (document: MemoryDocument): boolean => compareValues(document.get(field), value) === 0;
    return new MemoryQuery(this.db, this.#includes, [...this.#filters, filter], this.orders);
  }

  orderBy(field: string, direction: OrderByDirection = 'asc'): MemoryQuery {
    const orders = [...this.orders, { field, direction }];
    return new MemoryQuery(this.db, this.#includes, this.#filters, orders);
  }

  /** The documents in order, those without an ordered field left out. */
  documents(): readonly MemoryDocument[] {
    return this.db
      .all()
      .filter(({ ref }) => this.#includes(ref.path))
      .filter((document) => this.orders.every(({ field }) => document.get(field) !== undefined))
      .filter((document) => this.#filters.every((filter) => filter(document)))
      .toSorted((a, b) => this.compare(this.position(a), this.position(b)));
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
    super(db, (candidate) => candidate.slice(0, candidate.lastIndexOf('/')) === path);
    this.#path = path;
  }

  doc(id: string): MemoryReference {
    return this.db.doc(`${this.#path}/${id}`);
  }
}

/** Segment by segment, as Firestore compares document names. */
function comparePaths(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (const [place, segment] of left.entries()) {
    const order = compareValues(segment, right[place] ?? '');
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
