import type { DocumentData, Firestore, Query } from '@google-cloud/firestore';
import type { Child, Parent } from '../core/child.ts';
import type { Cursor } from '../core/cursor.ts';
import type { Drawing } from '../core/drawing.ts';
import type { Json } from '../core/parameters.ts';
import type { KeyRange } from '../core/key-range.ts';
import {
  needsCare,
  keyIsHeld,
  lacksShards,
  noSuchRun,
  type Run,
  type RunChange,
  type RunRecords,
  type Shard,
} from '../core/run.ts';
import { keyId } from '../core/names.ts';
import { hasEnded } from '../core/run-state.ts';
import type { Write } from '../core/write.ts';
import type { CommitResult, Page, RunStore, TaskFailure, Versioned, SetAsidePage } from '../ports.ts';
import {
  comparePaths,
  MemoryCommitError,
  type MemoryBatch,
  type MemoryDocument,
  type MemoryFirestore,
  type MemoryQuery,
} from './memory-firestore.ts';

/** As the real one. */
const triesWithoutLocks = 3;

/**
 * Runs in memory, over a `MemoryFirestore`. Holds what the real one holds: commits are whole, preconditions bind, copies are handed out.
 */
export class MemoryRunStore implements RunStore {
  readonly db: Firestore;
  readonly #memory: MemoryFirestore;
  readonly #whileUnderWay: () => Promise<void>;

  /** @param whileUnderWay awaited where a change of a run is on its way between this process and the database: others may be quicker */
  constructor(memory: MemoryFirestore, whileUnderWay: () => Promise<void> = async () => {}) {
    this.#memory = memory;
    this.#whileUnderWay = whileUnderWay;
    this.db = memory.asFirestore();
  }

  async createRun(run: Run): Promise<'created' | 'exists'> {
    if (this.#memory.read(runPath(run.id)).exists) return 'exists';
    this.#memory.commit((batch) => {
      batch.create(runPath(run.id), run);
      if (run.key !== undefined) this.#takeKey(batch, run);
    });
    return 'created';
  }

  async readTurn(
    runId: string,
    index: number,
  ): Promise<{ run: Versioned<Run>; shard: Versioned<Shard> } | undefined> {
    const run = this.#read<Run>(runPath(runId));
    const shard = this.#read<Shard>(shardPath(runId, index));
    return run === undefined || shard === undefined ? undefined : { run, shard };
  }

  async readPage<D extends DocumentData>(
    query: Query<D>,
    range: KeyRange,
    after: Cursor | null,
    limit: number,
  ): Promise<Page<D>> {
    const walk = query as unknown as MemoryQuery;
    const behind = walk
      .documents()
      .filter((document) => isWithin(range, document.ref.path))
      .filter((document) => after === null || walk.compare(walk.position(document), after) > 0);
    return {
      documents: behind.slice(0, limit) as unknown as Page<D>['documents'],
      positionOf(document) {
        const { values, path } = walk.position(document as unknown as MemoryDocument);
        return { values, path, readable: [...(values as Json[]), path] };
      },
    };
  }

  async readSetAside(runId: string, after: Cursor | null, limit: number): Promise<SetAsidePage> {
    const entries = this.#memory.collection(`${runPath(runId)}/setAside`);
    const page = await this.readPage(entries as unknown as Query, { from: null, before: null }, after, limit);
    const found = page.documents.map((entry) => this.#memory.read(entry.get('path') as string));
    const last = page.documents.at(-1);
    return {
      documents: found.filter(({ exists }) => exists) as unknown as SetAsidePage['documents'],
      gone: found.filter(({ exists }) => !exists).map(({ ref }) => ref.path),
      read: found.length,
      end: last === undefined ? null : page.positionOf(last),
      positionOf({ ref }) {
        const entry = page.documents.find((candidate) => candidate.get('path') === ref.path);
        if (entry === undefined) throw new Error(`${ref.path} is not of this page`);
        return page.positionOf(entry);
      },
    };
  }

  async holdTurn(
    runId: string,
    before: Versioned<Shard>,
    after: Shard,
  ): Promise<Versioned<Shard> | 'conflict'> {
    const result = await this.commitTurn(runId, before, after, []);
    if (result === 'conflict') return result;
    return this.#read<Shard>(shardPath(runId, after.index)) ?? 'conflict';
  }

  async commitTurn(
    runId: string,
    before: Versioned<Shard>,
    after: Shard,
    writes: readonly Write[],
  ): Promise<CommitResult> {
    let isConflict = false;
    try {
      this.#memory.commit((batch) => {
        const path = shardPath(runId, after.index);
        isConflict = true;
        batch.expect(path, before.version as number);
        batch.set(path, after);
        isConflict = false;
        for (const write of writes) apply(batch, write);
      });
      return 'committed';
    } catch (error) {
      // A refusal of the shard's own precondition is a conflict; one of the user's writes is the user's error.
      if (isConflict && error instanceof MemoryCommitError) return 'conflict';
      throw error;
    }
  }

  async changeRun(
    runId: string,
    change: (found: RunRecords) => RunChange | undefined,
    writes: readonly Write[] = [],
  ): Promise<RunChange | undefined> {
    for (let tries = 0; tries < triesWithoutLocks; tries += 1) {
      const [run, shards] = await this.#readSideBySide(runId);
      if (run === undefined) throw noSuchRun(runId);
      const found = recordsOf(run, shards);
      if (lacksShards(found)) continue;
      const next = change(found);
      if (next === undefined) return undefined;
      await this.#afterAWhile(() => undefined);
      if (this.#isAsRead(run, shards, next)) return this.#commit(run.value, next, writes);
    }
    const [run, shards] = [this.#read<Run>(runPath(runId)), this.#shards(runId)];
    if (run === undefined) throw noSuchRun(runId);
    const next = change(recordsOf(run, shards));
    return next === undefined ? undefined : this.#commit(run.value, next, writes);
  }

  /** Every n-th document, counted. In two steps, so that a search can be cut short. */
  async drawBoundaries<D extends DocumentData>(
    query: Query<D>,
    parts: number,
    soFar?: Drawing,
  ): Promise<Drawing> {
    const documents = (query as unknown as MemoryQuery).documents();
    const [first] = documents;
    const counted = { total: documents.length, reads: documents.length };
    if (first !== undefined && soFar === undefined) {
      const mark = { path: first.ref.path, rank: 0, isDocument: true };
      const place = { below: mark, above: mark, steps: 0, isResisted: false };
      const search = { ...place, marks: [], sought: [], tolerance: 0 };
      return { ...counted, boundaries: [], search };
    }
    const size = Math.ceil(documents.length / parts);
    const isBoundary = (place: number): boolean => place > 0 && place % size === 0;
    return {
      ...counted,
      boundaries: documents.flatMap(({ ref }, place) => (isBoundary(place) ? [ref.path] : [])),
    };
  }

  async count<D extends DocumentData>(query: Query<D>): Promise<number> {
    return (query as unknown as MemoryQuery).documents().length;
  }

  async recordFailure(failure: TaskFailure): Promise<void> {
    this.#memory.commit((batch) => batch.set(`pageturnerFailures/${failure.id}`, failure));
  }

  async endChild(parent: Parent, failure?: string): Promise<void> {
    if (failure === undefined) this.#memory.commit((batch) => batch.delete(childPath(parent)));
    else this.#updateChild(parent, { state: 'failed', failure });
  }

  async moveChild(parent: Parent, next: Parameters<RunStore['moveChild']>[1]): Promise<void> {
    const { repeat = 0 } = (this.#memory.read(childPath(parent)).data() ?? {}) as Partial<Child>;
    if (repeat < next.repeat) this.#updateChild(parent, next);
  }

  async openChildren(runId: string, after: string | null, limit: number): Promise<readonly Child[]> {
    return this.#children(runId)
      .filter(({ id, state }) => state === 'open' && (after === null || id > after))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  async countFailedChildren(runId: string): Promise<number> {
    return this.#children(runId).filter(({ state }) => state === 'failed').length;
  }

  async getRun(runId: string): Promise<RunRecords | undefined> {
    let [run, shards] = await this.#readSideBySide(runId);
    if (run !== undefined && lacksShards(recordsOf(run, shards)))
      [run, shards] = await this.#readSideBySide(runId);
    return run && recordsOf(run, shards);
  }

  async listActive(after: string | null, limit: number): Promise<readonly Run[]> {
    const runs = this.#memory.collection('pageturnerRuns').documents();
    return runs
      .map((document) => document.data() as Run)
      .filter((run) => needsCare(run) && (after === null || run.id > after))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  async listRuns(filter: { readonly task?: string; readonly limit: number }): Promise<readonly Run[]> {
    const runs = this.#memory.collection('pageturnerRuns').documents();
    return runs
      .map((document) => document.data() as Run)
      .filter((run) => filter.task === undefined || run.task === filter.task)
      .toSorted((a, b) => b.createdAt - a.createdAt)
      .slice(0, filter.limit);
  }

  #children(runId: string): Child[] {
    const children = this.#memory.collection(`${runPath(runId)}/children`).documents();
    return children.map((document) => document.data() as Child);
  }

  #updateChild(parent: Parent, changes: DocumentData): void {
    if (!this.#memory.read(childPath(parent)).exists) return;
    this.#memory.commit((batch) => batch.update(childPath(parent), changes));
  }

  #passKey(batch: MemoryBatch, before: Run, { run: after = before, follower }: RunChange): void {
    if (after.key === undefined || hasEnded(before.state) === hasEnded(after.state)) return;
    if (hasEnded(after.state) && follower !== undefined)
      batch.set(keyPath(after), { run: follower.id, task: follower.task, key: follower.key });
    else if (hasEnded(after.state)) batch.delete(keyPath(after));
    else this.#takeKey(batch, after);
  }

  #takeKey(batch: MemoryBatch, run: Run): void {
    const held = this.#memory.read(keyPath(run));
    if (held.exists) throw keyIsHeld(run, String(held.get('run')));
    batch.create(keyPath(run), { run: run.id, task: run.task, key: run.key });
  }

  async #afterAWhile<T>(read: () => T): Promise<T> {
    await this.#whileUnderWay();
    return read();
  }

  /** As the real one: one may be as it was a while before the other. */
  async #readSideBySide(runId: string): Promise<[Versioned<Run> | undefined, readonly Versioned<Shard>[]]> {
    return await Promise.all([
      this.#afterAWhile(() => this.#read<Run>(runPath(runId))),
      this.#afterAWhile(() => this.#shards(runId)),
    ]);
  }

  #isAsRead(
    run: Versioned<Run>,
    shards: readonly Versioned<Shard>[],
    { shards: written, reliesOn }: RunChange,
  ): boolean {
    const path = runPath(run.value.id);
    const reliedOn = shards.filter(
      ({ value: { index } }) => reliesOn !== 'written' || written?.some((shard) => shard.index === index),
    );
    return (
      this.#memory.read(path).version === run.version &&
      reliedOn.every(
        ({ value, version }) => this.#memory.read(shardPath(run.value.id, value.index)).version === version,
      )
    );
  }

  #commit(before: Run, next: RunChange, writes: readonly Write[]): RunChange {
    this.#memory.commit((batch) => {
      if (next.run !== undefined) {
        batch.set(runPath(before.id), next.run);
        this.#passKey(batch, before, next);
      }
      if (next.follower !== undefined) batch.create(runPath(next.follower.id), next.follower);
      for (const shard of next.shards ?? []) batch.set(shardPath(before.id, shard.index), shard);
      for (const write of writes) apply(batch, write);
    });
    return next;
  }

  #shards(runId: string): readonly Versioned<Shard>[] {
    const count = Number(this.#memory.read(runPath(runId)).get('shards') ?? 0);
    const shards = Array.from({ length: count }, (_, index) => this.#read<Shard>(shardPath(runId, index)));
    return shards.filter((shard) => shard !== undefined);
  }

  #read<T extends Run | Shard>(path: string): Versioned<T> | undefined {
    const document = this.#memory.read(path);
    const { version, writtenAt = 0 } = document;
    return document.exists ? { value: document.data() as T, version, writtenAt } : undefined;
  }
}

const keyPath = ({ task, key = '' }: Run): string => `pageturnerKeys/${keyId(task, key)}`;
const childPath = ({ run, child }: Parent): string => `${runPath(run)}/children/${child}`;
const runPath = (run: string): string => `pageturnerRuns/${run}`;
const shardPath = (run: string, index: number): string => `${runPath(run)}/shards/${index}`;

function recordsOf(run: Versioned<Run>, shards: readonly Versioned<Shard>[]): RunRecords {
  return { run: run.value, shards: shards.map(({ value }) => value) };
}

function isWithin({ from, before }: KeyRange, path: string): boolean {
  return (
    (from === null || comparePaths(path, from) >= 0) && (before === null || comparePaths(path, before) < 0)
  );
}

function apply(batch: MemoryBatch, write: Write): void {
  const { path } = write.ref;
  switch (write.kind) {
    case 'set':
      batch.set(path, write.data, write.options !== undefined);
      return;
    case 'update':
      batch.update(path, write.data);
      return;
    case 'create':
      batch.create(path, write.data);
      return;
    case 'delete':
      batch.delete(path);
  }
}
