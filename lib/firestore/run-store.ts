import {
  FieldPath,
  Timestamp,
  type CollectionReference,
  type DocumentData,
  type DocumentReference,
  type DocumentSnapshot,
  type Firestore,
  type Query,
  type QueryDocumentSnapshot,
  type UpdateData,
} from '@google-cloud/firestore';
import { status } from '@grpc/grpc-js';
import type { Child, Parent } from '../core/child.ts';
import type { Cursor } from '../core/cursor.ts';
import type { Drawing } from '../core/drawing.ts';
import type { KeyRange } from '../core/key-range.ts';
import { keyIsHeld, type Run, type RunChange, type RunRecords, type Shard } from '../core/run.ts';
import type { Write } from '../core/write.ts';
import type { CommitResult, Page, RunStore, TaskFailure, Versioned, SetAsidePage } from '../ports.ts';
import { changeRun } from './change-run.ts';
import { mustFit } from './commit-size.ts';
import { holderOf, keyDocument, runDocument, runsCollection, shardDocument } from './documents.ts';
import { readRun } from './read-run.ts';
import { mostSuchDocuments } from './page-memory.ts';
import { partition } from './partition.ts';
import { PageQuery } from './page-query.ts';
import { runFromDocument, runToDocument, shardFromDocument, shardToDocument } from './records.ts';
import { add, codeOf, isRefusal, replacing } from './writes.ts';

/** Runs in Firestore: `pageturnerRuns/{run}` and `pageturnerRuns/{run}/shards/{index}`. The version of a record is its update time. */
export class FirestoreRunStore implements RunStore {
  readonly db: Firestore;

  constructor(db: Firestore) {
    this.db = db;
  }

  async createRun(run: Run): Promise<'created' | 'exists'> {
    const batch = this.db.batch();
    batch.create(runDocument(this.db, run.id), runToDocument(run));
    if (run.key !== undefined)
      batch.create(keyDocument(this.db, run), { run: run.id, task: run.task, key: run.key });
    try {
      await batch.commit();
      return 'created';
    } catch (error) {
      if (codeOf(error) !== status.ALREADY_EXISTS) throw error;
      if (run.key === undefined || (await runDocument(this.db, run.id).get()).exists) return 'exists';
      throw keyIsHeld(run, await holderOf(this.db, run));
    }
  }

  async readTurn(
    runId: string,
    index: number,
  ): Promise<{ run: Versioned<Run>; shard: Versioned<Shard> } | undefined> {
    const [run, shard] = await this.db.getAll(
      runDocument(this.db, runId),
      shardDocument(this.db, runId, index),
    );
    const runData = run?.data();
    const shardData = shard?.data();
    if (run === undefined || shard === undefined || runData === undefined || shardData === undefined)
      return undefined;
    return {
      run: versioned(run.updateTime, runFromDocument(runId, runData)),
      shard: versioned(shard.updateTime, shardFromDocument(shardData)),
    };
  }

  async readPage<D extends DocumentData>(
    query: Query<D>,
    range: KeyRange,
    after: Cursor | null,
    limit: number,
  ): Promise<Page<D>> {
    const walk = new PageQuery(query);
    const { docs } = await walk.page(after, limit, range).get();
    return {
      documents: docs,
      positionOf: (document) => walk.cursorOf(document),
      most: mostSuchDocuments(docs),
    };
  }

  async readSetAside(runId: string, after: Cursor | null, limit: number): Promise<SetAsidePage> {
    const entries = new PageQuery(runDocument(this.db, runId).collection('setAside'));
    const { docs } = await entries.page(after, limit).get();
    if (docs.length === 0) return { documents: [], gone: [], read: 0, end: null, positionOf: noPosition };
    const found = await this.db.getAll(...docs.map((entry) => this.db.doc(entry.get('path') as string)));
    const positions = new Map(docs.map((entry, place) => [found[place]?.ref.path, entries.cursorOf(entry)]));
    const last = docs.at(-1);
    return {
      documents: found.filter((document) => document.exists) as QueryDocumentSnapshot[],
      gone: found.filter((document) => !document.exists).map(({ ref }) => ref.path),
      read: docs.length,
      end: last === undefined ? null : entries.cursorOf(last),
      positionOf: (document) => positions.get(document.ref.path) ?? noPosition(document),
    };
  }

  async holdTurn(
    runId: string,
    before: Versioned<Shard>,
    after: Shard,
  ): Promise<Versioned<Shard> | 'conflict'> {
    try {
      const { writeTime } = await shardDocument(this.db, runId, after.index).update(
        replacing(before.value, after, shardToDocument(after)),
        { lastUpdateTime: before.version as Timestamp },
      );
      return versioned(writeTime, after);
    } catch (error) {
      if (!isRefusal(error) || (await this.#isAsRead(runId, before))) throw error;
      return 'conflict';
    }
  }

  async commitTurn(
    runId: string,
    before: Versioned<Shard>,
    after: Shard,
    writes: readonly Write[],
  ): Promise<CommitResult> {
    const progress = {
      ref: shardDocument(this.db, runId, after.index),
      data: replacing(before.value, after, shardToDocument(after)),
    };
    mustFit(writes, [{ kind: 'update', ...progress }]);
    const batch = this.db.batch();
    batch.update(progress.ref, progress.data, { lastUpdateTime: before.version as Timestamp });
    for (const write of writes) add(batch, write);
    try {
      await batch.commit();
      return 'committed';
    } catch (error) {
      // The error of a failed precondition does not say whose it was. The shard tells: if it is as it was read, the fault lies with one
      // of the user's own writes (a `create` of what exists, an `update` of what does not), and is theirs to hear of.
      if (!isRefusal(error) || (await this.#isAsRead(runId, before))) throw error;
      return 'conflict';
    }
  }

  async changeRun(
    runId: string,
    change: (found: RunRecords) => RunChange | undefined,
    writes: readonly Write[] = [],
  ): Promise<RunChange | undefined> {
    return await changeRun(this.db, runId, change, writes);
  }

  async drawBoundaries<D extends DocumentData>(
    query: Query<D>,
    parts: number,
    soFar?: Drawing,
  ): Promise<Drawing> {
    return await partition(query, parts, soFar);
  }

  async count<D extends DocumentData>(query: Query<D>): Promise<number> {
    return (await query.count().get()).data().count;
  }

  async recordFailure(failure: TaskFailure): Promise<void> {
    const { id, at, params, ...rest } = failure;
    const document = { ...rest, params: JSON.stringify(params), at: Timestamp.fromMillis(at) };
    await this.db.collection('pageturnerFailures').doc(id).set(document);
  }

  async endChild(parent: Parent, failure?: string): Promise<void> {
    if (failure === undefined) await this.#child(parent).delete();
    else await this.#updateChild(parent, { state: 'failed', failure: failure.slice(0, 1000) });
  }

  async moveChild(parent: Parent, next: Parameters<RunStore['moveChild']>[1]): Promise<void> {
    const child = this.#child(parent);
    await this.db.runTransaction(async (transaction) => {
      const found = await transaction.get(child);
      const { repeat = 0 } = (found.data() ?? {}) as Partial<Child>;
      if (found.exists && repeat < next.repeat) transaction.update(child, next);
    });
  }

  async openChildren(runId: string, after: string | null, limit: number): Promise<readonly Child[]> {
    const open = this.#children(runId).where('state', '==', 'open').orderBy(FieldPath.documentId());
    const { docs } = await (after === null ? open : open.startAfter(after)).limit(limit).get();
    return docs.map((document) => document.data() as Child);
  }

  async countFailedChildren(runId: string): Promise<number> {
    return (await this.#children(runId).where('state', '==', 'failed').count().get()).data().count;
  }

  async getRun(runId: string): Promise<RunRecords | undefined> {
    return (await readRun(this.db, runId))?.records;
  }

  async listActive(after: string | null, limit: number): Promise<readonly Run[]> {
    const active = this.db
      .collection(runsCollection)
      .where('needsCare', '==', true)
      .orderBy(FieldPath.documentId());
    const { docs } = await (after === null ? active : active.startAfter(after)).limit(limit).get();
    return docs.map((document) => runFromDocument(document.id, document.data()));
  }

  async listRuns(filter: { readonly task?: string; readonly limit: number }): Promise<readonly Run[]> {
    const runs = this.db.collection(runsCollection);
    const query: Query = filter.task === undefined ? runs : runs.where('task', '==', filter.task);
    const { docs } = await query.orderBy('createdAt', 'desc').limit(filter.limit).get();
    return docs.map((document) => runFromDocument(document.id, document.data()));
  }

  async #isAsRead(runId: string, { value, version }: Versioned<Shard>): Promise<boolean> {
    const shard = await shardDocument(this.db, runId, value.index).get();
    return shard.updateTime?.isEqual(version as Timestamp) ?? false;
  }

  async #updateChild(parent: Parent, changes: UpdateData<DocumentData>): Promise<void> {
    await this.#child(parent)
      .update(changes)
      .catch((error: unknown) => {
        if (codeOf(error) !== status.NOT_FOUND) throw error;
      });
  }

  #child({ run, child }: Parent): DocumentReference {
    return this.#children(run).doc(child);
  }

  #children(run: string): CollectionReference {
    return runDocument(this.db, run).collection('children');
  }
}

function noPosition({ ref }: DocumentSnapshot): never {
  throw new Error(`${ref.path} is not of this page`);
}

/** @param writtenAt undefined for a document that does not exist, which none of these is */
function versioned<T>(writtenAt: Timestamp | undefined, value: T): Versioned<T> {
  const { seconds = 0, nanoseconds = 0 } = writtenAt ?? {};
  return { value, version: writtenAt, writtenAt: seconds * 1000 + nanoseconds / 1e6 };
}
