import type { DocumentReference, Firestore } from '@google-cloud/firestore';
import { keyId } from '../core/names.ts';
import type { Run } from '../core/run.ts';

export const runsCollection = 'pageturnerRuns';

export function runDocument(db: Firestore, id: string): DocumentReference {
  return db.collection(runsCollection).doc(id);
}

export function shardDocument(db: Firestore, run: string, index: number): DocumentReference {
  return runDocument(db, run).collection('shards').doc(String(index));
}

export function keyDocument(db: Firestore, { task, key = '' }: Run): DocumentReference {
  return db.collection('pageturnerKeys').doc(keyId(task, key));
}

/** The run that holds the key of another one. */
export async function holderOf(db: Firestore, run: Run): Promise<string> {
  return String((await keyDocument(db, run).get()).get('run') ?? 'that has just ended');
}
