import type { Timestamp } from '@google-cloud/firestore';
import { isRunId } from './core/names.ts';
import type { RunStore } from './ports.ts';
import { defaultStore } from './runtime.ts';
import { setAsideCollection } from './set-aside.ts';

/** A document that a run went past, as people see it. */
export interface SetAsideDocument {
  readonly path: string;
  /** The message of the last failure, or what its handler said. */
  readonly reason: string;
  readonly stack?: string;
  /** Its failures in a row that count, with the last; or attempts that it had alone and that died. 0 when its handler asked for it. */
  readonly attempts: number;
  readonly at: Date;
}

export interface SetAsideDocuments {
  readonly documents: readonly SetAsideDocument[];
  readonly hasMore: boolean;
}

/**
 * Documents that a run has set aside and that were not taken again, in no order that means anything.
 *
 * @param options.limit how many at most, 100 unless given
 * @throws PageturnerError `misconfigured`, and what the database throws.
 */
export async function listSetAside(
  runId: string,
  { limit = 100 }: { readonly limit?: number } = {},
  store: RunStore = defaultStore(),
): Promise<SetAsideDocuments> {
  if (!isRunId(runId)) return { documents: [], hasMore: false };
  const entries = store.db.collection(setAsideCollection(runId));
  const { documents } = await store.readPage(entries, { from: null, before: null }, null, limit + 1);
  return {
    documents: documents.slice(0, limit).map((entry) => shown(entry.data() as Entry)),
    hasMore: documents.length > limit,
  };
}

/** As `setAsideWrite` writes it. The store in memory gives a Date as one. */
interface Entry {
  readonly path: string;
  readonly error: { readonly message: string; readonly stack?: string };
  readonly attempts: number;
  readonly at: Timestamp | Date;
}

function shown({ path, error: { message, stack }, attempts, at }: Entry): SetAsideDocument {
  return {
    path,
    reason: message,
    ...(stack === undefined ? {} : { stack }),
    attempts,
    at: at instanceof Date ? at : at.toDate(),
  };
}
