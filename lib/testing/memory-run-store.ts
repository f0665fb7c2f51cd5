import type { DocumentData, Firestore, Query } from '@google-cloud/firestore';
import type { Cursor } from '../core/cursor.ts';
import type { Json } from '../core/parameters.ts';
import type { Run, Shard } from '../core/run.ts';
import type { Write } from '../core/write.ts';
import type { CommitResult, Page, RunStore, TaskFailure, Versioned } from '../ports.ts';
import {
  MemoryCommitError,
  type MemoryBatch,
  type MemoryDocument,
  type MemoryFirestore,
  type MemoryQuery,
} from './memory-firestore.ts';

/** Runs in memory, over a `MemoryFirestore`. Holds what the real one holds: commits are whole, preconditions bind, copies are handed out. */
export class MemoryRunStore implements RunStore {
  readonly db: Firestore;
  readonly #memory: MemoryFirestore;

  constructor(memory: MemoryFirestore) {
    this.#memory = memory;
    this.db = memory.asFirestore();
  }

  async createRun(run: Run, shards: readonly Shard[]): Promise<'created' | 'exists'> {
    if (this.#memory.read(runPath(run.id)).exists) return 'exists';
    this.#memory.commit((batch) => {
      batch.create(runPath(run.id), run);
      for (const shard of shards) batch.create(shardPath(run.id, shard.index), shard);
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

  async readRun(
    runId: string,
    shards: number,
  ): Promise<{ run: Versioned<Run>; shards: readonly Shard[] } | undefined> {
    const run = this.#read<Run>(runPath(runId));
    return run === undefined ? undefined : { run, shards: this.#shards(runId, shards) };
  }

  async readPage<D extends DocumentData>(
    query: Query<D>,
    after: Cursor | null,
    limit: number,
  ): Promise<Page<D>> {
    const walk = query as unknown as MemoryQuery;
    const behind = walk
      .documents()
      .filter((document) => after === null || walk.compare(walk.position(document), after) > 0);
    return {
      documents: behind.slice(0, limit) as unknown as Page<D>['documents'],
      positionOf(document) {
        const { values, path } = walk.position(document as unknown as MemoryDocument);
        return { values, path, readable: [...(values as Json[]), path] };
      },
    };
  }

  async holdTurn(
    runId: string,
    before: Versioned<Shard>,
    after: Shard,
  ): Promise<Versioned<Shard> | 'conflict'> {
    const result = await this.commitTurn(runId, before, after, []);
    return (
      (result === 'committed' ? this.#read<Shard>(shardPath(runId, after.index)) : undefined) ?? 'conflict'
    );
  }

  async commitTurn(
    runId: string,
    before: Versioned<Shard>,
    after: Shard,
    writes: readonly Write[],
  ): Promise<CommitResult> {
    return this.#commit((batch) => {
      replace(batch, shardPath(runId, after.index), before, after);
    }, writes);
  }

  async commitRun(before: Versioned<Run>, after: Run, writes: readonly Write[]): Promise<CommitResult> {
    return this.#commit((batch) => {
      replace(batch, runPath(after.id), before, after);
    }, writes);
  }

  async commitRunAndShard(
    before: { run: Versioned<Run>; shard: Versioned<Shard> },
    after: { run: Run; shard: Shard },
  ): Promise<CommitResult> {
    return this.#commit((batch) => {
      replace(batch, runPath(after.run.id), before.run, after.run);
      replace(batch, shardPath(after.run.id, after.shard.index), before.shard, after.shard);
    }, []);
  }

  async recordFailure(failure: TaskFailure): Promise<void> {
    this.#memory.commit((batch) => batch.set(`pageturnerFailures/${failure.id}`, failure));
  }

  async getRun(runId: string): Promise<{ run: Run; shards: readonly Shard[] } | undefined> {
    const run = this.#read<Run>(runPath(runId))?.value;
    return run === undefined ? undefined : { run, shards: this.#shards(runId, run.shards) };
  }

  async listRunning(after: string | null, limit: number): Promise<readonly Run[]> {
    const runs = this.#memory.collection('pageturnerRuns').documents();
    return runs
      .map((document) => document.data() as Run)
      .filter((run) => run.state === 'running' && (after === null || run.id > after))
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

  /** A refusal of the records' own preconditions is a conflict; one of the user's writes is the user's error. */
  #commit(records: (batch: MemoryBatch) => void, writes: readonly Write[]): CommitResult {
    let isConflict = false;
    try {
      this.#memory.commit((batch) => {
        isConflict = true;
        records(batch);
        isConflict = false;
        for (const write of writes) apply(batch, write);
      });
      return 'committed';
    } catch (error) {
      if (isConflict && error instanceof MemoryCommitError) return 'conflict';
      throw error;
    }
  }

  #read<T extends Run | Shard>(path: string): Versioned<T> | undefined {
    const document = this.#memory.read(path);
    return document.exists ? { value: document.data() as T, version: document.version } : undefined;
  }

  #shards(runId: string, count: number): Shard[] {
    return Array.from(
      { length: count },
      (_, index) => this.#read<Shard>(shardPath(runId, index))?.value,
    ).filter((shard) => shard !== undefined);
  }
}

const runPath = (run: string): string => `pageturnerRuns/${run}`;
const shardPath = (run: string, index: number): string => `${runPath(run)}/shards/${index}`;

function replace(batch: MemoryBatch, path: string, before: Versioned<unknown>, after: Run | Shard): void {
  batch.expect(path, before.version as number);
  batch.set(path, after);
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
