import type { DocumentData, Firestore } from '@google-cloud/firestore';
import type { ErrorRecord } from './core/errors.ts';
import { setAsideId } from './core/names.ts';
import type { Write } from './core/write.ts';

/** A document that a walk went past: its handling failed, or its handler asked for it. */
export interface SetAside {
  readonly path: string;
  readonly error: ErrorRecord;
  /** Its failures in a row that count, with the last; or attempts that it had alone and that died. 0 when its handler asked for it. */
  readonly attempts: number;
}

/** The write that takes an entry away, since its document was taken again or does not exist any more. */
export function takeBackWrite(db: Firestore, runId: string, path: string): Write {
  return { kind: 'delete', ref: db.doc(setAsidePath(runId, path)) };
}

/** The path of the collection that holds the entries of a run. */
export function setAsideCollection(runId: string): string {
  return `pageturnerRuns/${runId}/setAside`;
}

function setAsidePath(runId: string, path: string): string {
  return `${setAsideCollection(runId)}/${setAsideId(path)}`;
}

/**
 * Paths of the documents that are kept already. A walk in the order of a field meets one again that was moved ahead of its cursor; what is kept of
 * the first time stays. Costs a read for each.
 */
export async function keptAlready(
  db: Firestore,
  runId: string,
  entries: readonly SetAside[],
): Promise<ReadonlySet<string>> {
  const kept = new Set<string>();
  await Promise.all(
    entries.map(async ({ path }) => {
      if ((await db.doc(setAsidePath(runId, path)).get()).exists) kept.add(path);
    }),
  );
  return kept;
}

/** The write that keeps it with its run, in its turn's own commit. */
export function setAsideWrite(db: Firestore, runId: string, { path, error, attempts }: SetAside): Write {
  const { message, stack } = error;
  const data: DocumentData = {
    path,
    error: { message, ...(stack === undefined ? {} : { stack }) },
    attempts,
    at: new Date(error.at),
  };
  return { kind: 'set', ref: db.doc(setAsidePath(runId, path)), data };
}
