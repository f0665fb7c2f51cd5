import {
  FieldPath,
  FieldValue,
  Timestamp,
  type DocumentData,
  type DocumentReference,
  type DocumentSnapshot,
  type Firestore,
  type Query,
  type WriteBatch,
} from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Cursor } from '../core/cursor.ts';
import type { Run, Shard } from '../core/run.ts';
import type { Write } from '../core/write.ts';
import type { CommitResult, Page, RunStore, TaskFailure, Versioned } from '../ports.ts';
import { mustFit } from './commit-size.ts';
import { PageQuery } from './page-query.ts';
import { runFromDocument, runToDocument, shardFromDocument, shardToDocument } from './records.ts';

/** Runs in Firestore: `pageturnerRuns/{run}` and `pageturnerRuns/{run}/shards/{index}`. The version of a record is its update time. */
export class FirestoreRunStore implements RunStore {
  readonly db: Firestore;

  constructor(db: Firestore) {
    this.db = db;
  }

  async createRun(run: Run, shards: readonly Shard[]): Promise<'created' | 'exists'> {
    const batch = this.db.batch();
    batch.create(this.#run(run.id), runToDocument(run));
    for (const shard of shards) batch.create(this.#shard(run.id, shard.index), shardToDocument(shard));
    try {
      await batch.commit();
      return 'created';
    } catch (error) {
      if (codeOf(error) === status.ALREADY_EXISTS) return 'exists';
      throw error;
    }
  }

  async readTurn(
    runId: string,
    index: number,
  ): Promise<{ run: Versioned<Run>; shard: Versioned<Shard> } | undefined> {
    const [run, shard] = await this.db.getAll(this.#run(runId), this.#shard(runId, index));
    const runData = run?.data();
    const shardData = shard?.data();
    if (run === undefined || shard === undefined || runData === undefined || shardData === undefined)
      return undefined;
    return {
      run: versioned(run, runFromDocument(runId, runData)),
      shard: versioned(shard, shardFromDocument(shardData)),
    };
  }

  async readRun(
    runId: string,
    shards: number,
  ): Promise<{ run: Versioned<Run>; shards: readonly Shard[] } | undefined> {
    const references = Array.from({ length: shards }, (_, index) => this.#shard(runId, index));
    const [run, ...found] = await this.db.getAll(this.#run(runId), ...references);
    const data = run?.data();
    if (run === undefined || data === undefined) return undefined;
    return { run: versioned(run, runFromDocument(runId, data)), shards: found.flatMap(shardsOf) };
  }

  async readPage<D extends DocumentData>(
    query: Query<D>,
    after: Cursor | null,
    limit: number,
  ): Promise<Page<D>> {
    const walk = new PageQuery(query);
    const { docs } = await walk.page(after, limit).get();
    return { documents: docs, positionOf: (document) => walk.cursorOf(document) };
  }

  async holdTurn(
    runId: string,
    before: Versioned<Shard>,
    after: Shard,
  ): Promise<Versioned<Shard> | 'conflict'> {
    const batch = this.db.batch();
    const ref = this.#shard(runId, after.index);
    replace(batch, ref, shardToDocument(after), before);
    try {
      const [result] = await batch.commit();
      return { value: after, version: result?.writeTime };
    } catch (error) {
      if (!isRefusal(codeOf(error)) || isAsRead(await ref.get(), before)) throw error;
      return 'conflict';
    }
  }

  async commitTurn(
    runId: string,
    before: Versioned<Shard>,
    after: Shard,
    writes: readonly Write[],
  ): Promise<CommitResult> {
    const batch = this.db.batch();
    replace(batch, this.#shard(runId, after.index), shardToDocument(after), before);
    return await this.#commit(batch, writes, async () => {
      const shard = await this.#shard(runId, after.index).get();
      return isAsRead(shard, before);
    });
  }

  async commitRun(before: Versioned<Run>, after: Run, writes: readonly Write[]): Promise<CommitResult> {
    const batch = this.db.batch();
    replace(batch, this.#run(after.id), runToDocument(after), before);
    return await this.#commit(batch, writes, async () => isAsRead(await this.#run(after.id).get(), before));
  }

  async commitRunAndShard(
    before: { run: Versioned<Run>; shard: Versioned<Shard> },
    after: { run: Run; shard: Shard },
  ): Promise<CommitResult> {
    const batch = this.db.batch();
    replace(batch, this.#run(after.run.id), runToDocument(after.run), before.run);
    replace(batch, this.#shard(after.run.id, after.shard.index), shardToDocument(after.shard), before.shard);
    return await this.#commit(batch, [], async () => false);
  }

  async recordFailure(failure: TaskFailure): Promise<void> {
    const { id, at, params, ...rest } = failure;
    const document = { ...rest, params: JSON.stringify(params), at: Timestamp.fromMillis(at) };
    await this.db.collection('pageturnerFailures').doc(id).set(document);
  }

  async getRun(runId: string): Promise<{ run: Run; shards: readonly Shard[] } | undefined> {
    const run = await this.#run(runId).get();
    const data = run.data();
    if (data === undefined) return undefined;
    const { docs } = await run.ref.collection('shards').orderBy('index').get();
    return { run: runFromDocument(runId, data), shards: docs.flatMap(shardsOf) };
  }

  async listRunning(after: string | null, limit: number): Promise<readonly Run[]> {
    const running = this.db
      .collection(runsCollection)
      .where('state', '==', 'running')
      .orderBy(FieldPath.documentId());
    const { docs } = await (after === null ? running : running.startAfter(after)).limit(limit).get();
    return docs.map((document) => runFromDocument(document.id, document.data()));
  }

  async listRuns(filter: { readonly task?: string; readonly limit: number }): Promise<readonly Run[]> {
    const runs = this.db.collection(runsCollection);
    const query: Query = filter.task === undefined ? runs : runs.where('task', '==', filter.task);
    const { docs } = await query.orderBy('createdAt', 'desc').limit(filter.limit).get();
    return docs.map((document) => runFromDocument(document.id, document.data()));
  }

  /**
   * The error of a failed precondition does not say whose it was. The record tells: if it is as it was read, the fault lies with one
   * of the user's own writes (a `create` of what exists, an `update` of what does not), and is theirs to hear of.
   */
  async #commit(
    batch: WriteBatch,
    writes: readonly Write[],
    isStillAsRead: () => Promise<boolean>,
  ): Promise<CommitResult> {
    mustFit(writes);
    for (const write of writes) add(batch, write);
    try {
      await batch.commit();
      return 'committed';
    } catch (error) {
      if (!isRefusal(codeOf(error)) || (await isStillAsRead())) throw error;
      return 'conflict';
    }
  }

  #run(id: string): DocumentReference {
    return this.db.collection(runsCollection).doc(id);
  }

  #shard(run: string, index: number): DocumentReference {
    return this.#run(run).collection('shards').doc(String(index));
  }
}

const runsCollection = 'pageturnerRuns';

/** Writes a record over the one that was read, if that still stands. Fields that the new form does not have are deleted. */
function replace(
  batch: WriteBatch,
  ref: DocumentReference,
  data: DocumentData,
  before: Versioned<Run | Shard>,
): void {
  const gone = Object.keys(before.value).filter((field) => field !== 'id' && !(field in data));
  const deletions = Object.fromEntries(gone.map((field) => [field, FieldValue.delete()]));
  batch.update(ref, { ...data, ...deletions }, { lastUpdateTime: before.version as Timestamp });
}

function add(batch: WriteBatch, write: Write): void {
  switch (write.kind) {
    case 'set':
      if (write.options === undefined) batch.set(write.ref, write.data);
      else batch.set(write.ref, write.data, write.options);
      return;
    case 'update':
      batch.update(write.ref, write.data);
      return;
    case 'create':
      batch.create(write.ref, write.data);
      return;
    case 'delete':
      batch.delete(write.ref);
  }
}

function versioned<T>(snapshot: DocumentSnapshot, value: T): Versioned<T> {
  return { value, version: snapshot.updateTime };
}

function isAsRead(snapshot: DocumentSnapshot, before: Versioned<unknown>): boolean {
  return snapshot.updateTime?.isEqual(before.version as Timestamp) ?? false;
}

function shardsOf(snapshot: DocumentSnapshot): Shard[] {
  const data = snapshot.data();
  return data === undefined ? [] : [shardFromDocument(data)];
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}

function isRefusal(code: unknown): boolean {
  return [status.FAILED_PRECONDITION, status.ALREADY_EXISTS, status.NOT_FOUND, status.ABORTED].some(
    (refusal) => refusal === code,
  );
}
