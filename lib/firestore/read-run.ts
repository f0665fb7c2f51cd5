import type {
  DocumentReference,
  DocumentSnapshot,
  Firestore,
  Query,
  QueryDocumentSnapshot,
  QuerySnapshot,
  Transaction,
} from '@google-cloud/firestore';
import type { RunRecords } from '../core/run.ts';
import { lacksShards } from '../core/run.ts';
import { runDocument } from './documents.ts';
import { runFromDocument, shardFromDocument } from './records.ts';

/** The documents of a run as they were read, and what they say. */
export interface FoundRun {
  readonly run: DocumentSnapshot;
  readonly shards: readonly QueryDocumentSnapshot[];
  readonly records: RunRecords;
}

/** How documents are read: alone, or as part of a transaction. */
export interface Reader {
  document(ref: DocumentReference): Promise<DocumentSnapshot>;
  query(query: Query): Promise<QuerySnapshot>;
}

export const plainly: Reader = {
  document: async (ref) => await ref.get(),
  query: async (query) => await query.get(),
};

export function within(transaction: Transaction): Reader {
  return {
    document: async (ref) => await transaction.get(ref),
    query: async (query) => await transaction.get(query),
  };
}

/**
 * A run with all its shards, read side by side: one may be as it was some milliseconds before the other. But no shard is missing. Undefined
 * when there is no such run.
 */
export async function readRun(
  db: Firestore,
  runId: string,
  reader: Reader = plainly,
): Promise<FoundRun | undefined> {
  const found = await readOnce(db, runId, reader);
  // It was prepared in between. The shards were written together with what it says of them, so now they are there.
  return found !== undefined && lacksShards(found.records) ? await readOnce(db, runId, reader) : found;
}

async function readOnce(db: Firestore, runId: string, reader: Reader): Promise<FoundRun | undefined> {
  const ref = runDocument(db, runId);
  const [run, { docs: shards }] = await Promise.all([
    reader.document(ref),
    reader.query(ref.collection('shards').orderBy('index')),
  ]);
  const data = run.data();
  if (data === undefined) return undefined;
  const records = {
    run: runFromDocument(run.id, data),
    shards: shards.map((shard) => shardFromDocument(shard.data())),
  };
  return { run, shards, records };
}
