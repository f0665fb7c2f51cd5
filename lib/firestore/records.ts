import { Timestamp, type DocumentData } from '@google-cloud/firestore';
import type { Cursor } from '../core/cursor.ts';
import type { ErrorRecord } from '../core/errors.ts';
import type { OutboxTask } from '../core/outbox.ts';
import type { Json } from '../core/parameters.ts';
import { needsCare, type Run, type Shard } from '../core/run.ts';
import type { HistoryEntry } from '../core/history.ts';
import type { Suspect } from '../core/suspect.ts';

/**
 * How runs and shards stand in Firestore. Instants are timestamps, for the people who read them in the console. What may hold any
 * JSON (the outbox) is kept as text: Firestore has no array within an array. The values of a cursor stay Firestore's own, so that
 * they compare as the server compares them; they stand in a map by their place, since they may be arrays themselves.
 */
export function runToDocument(run: Run): DocumentData {
  const { id: _, createdAt, updatedAt, at, endedAt, error, callbackError, outbox, history, ...rest } = run;
  return {
    ...rest,
    needsCare: needsCare(run),
    createdAt: Timestamp.fromMillis(createdAt),
    updatedAt: Timestamp.fromMillis(updatedAt),
    ...(at === undefined ? {} : { at: Timestamp.fromMillis(at) }),
    ...(endedAt === undefined ? {} : { endedAt: Timestamp.fromMillis(endedAt) }),
    ...(error === undefined ? {} : { error: errorToDocument(error) }),
    ...(callbackError === undefined ? {} : { callbackError: errorToDocument(callbackError) }),
    history: history.map((entry) => ({ ...entry, at: Timestamp.fromMillis(entry.at) })),
    outbox: JSON.stringify(outbox),
  };
}

export function runFromDocument(id: string, data: DocumentData): Run {
  const {
    createdAt,
    updatedAt,
    at,
    endedAt,
    error,
    callbackError,
    outbox,
    history,
    needsCare: _,
    ...rest
  } = data;
  return {
    ...(rest as Omit<
      Run,
      'id' | 'createdAt' | 'updatedAt' | 'at' | 'endedAt' | 'error' | 'callbackError' | 'outbox' | 'history'
    >),
    id,
    createdAt: (createdAt as Timestamp).toMillis(),
    updatedAt: (updatedAt as Timestamp).toMillis(),
    ...(at === undefined ? {} : { at: (at as Timestamp).toMillis() }),
    ...(endedAt === undefined ? {} : { endedAt: (endedAt as Timestamp).toMillis() }),
    ...(error === undefined ? {} : { error: errorFromDocument(error as DocumentData) }),
    ...(callbackError === undefined
      ? {}
      : {
          callbackError: errorFromDocument(callbackError as DocumentData) as NonNullable<
            Run['callbackError']
          >,
        }),
    history: (history as (Omit<HistoryEntry, 'at'> & { readonly at: Timestamp })[]).map((entry) => ({
      ...entry,
      at: entry.at.toMillis(),
    })),
    outbox: JSON.parse(outbox as string) as OutboxTask[],
  };
}

export function shardToDocument(shard: Shard): DocumentData {
  const { cursor, updatedAt, heldUntil, notBefore, lastError, suspect, outbox, ...rest } = shard;
  return {
    ...rest,
    ...(heldUntil === undefined ? {} : { heldUntil: Timestamp.fromMillis(heldUntil) }),
    ...(notBefore === undefined ? {} : { notBefore: Timestamp.fromMillis(notBefore) }),
    cursor: cursor === null ? null : cursorToDocument(cursor),
    updatedAt: Timestamp.fromMillis(updatedAt),
    ...(lastError === undefined ? {} : { lastError: errorToDocument(lastError) }),
    ...(suspect === undefined ? {} : { suspect: { ...suspect, at: Timestamp.fromMillis(suspect.at) } }),
    outbox: JSON.stringify(outbox),
  };
}

export function shardFromDocument(data: DocumentData): Shard {
  const { cursor, updatedAt, heldUntil, notBefore, lastError, suspect, outbox, ...rest } = data;
  return {
    ...(rest as Omit<
      Shard,
      'cursor' | 'updatedAt' | 'heldUntil' | 'notBefore' | 'lastError' | 'suspect' | 'outbox'
    >),
    ...(heldUntil === undefined ? {} : { heldUntil: (heldUntil as Timestamp).toMillis() }),
    ...(notBefore === undefined ? {} : { notBefore: (notBefore as Timestamp).toMillis() }),
    cursor: cursor === null ? null : cursorFromDocument(cursor as CursorDocument),
    updatedAt: (updatedAt as Timestamp).toMillis(),
    ...(lastError === undefined ? {} : { lastError: errorFromDocument(lastError as DocumentData) }),
    ...(suspect === undefined ? {} : { suspect: suspectFromDocument(suspect as DocumentData) }),
    outbox: JSON.parse(outbox as string) as OutboxTask[],
  };
}

interface CursorDocument {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly readable: string;
}

function cursorToDocument({ path, values, readable }: Cursor): CursorDocument {
  return { path, values: Object.fromEntries(values.entries()), readable: JSON.stringify(readable) };
}

function cursorFromDocument({ path, values, readable }: CursorDocument): Cursor {
  const count = Object.keys(values).length;
  return {
    path,
    values: Array.from({ length: count }, (_, place) => values[String(place)]),
    readable: JSON.parse(readable) as Json,
  };
}

function errorToDocument(error: ErrorRecord): DocumentData {
  return { ...error, at: Timestamp.fromMillis(error.at) };
}

function errorFromDocument(error: DocumentData): ErrorRecord {
  return { ...(error as Omit<ErrorRecord, 'at'>), at: (error['at'] as Timestamp).toMillis() };
}

function suspectFromDocument(suspect: DocumentData): Suspect {
  return { ...(suspect as Omit<Suspect, 'at'>), at: (suspect['at'] as Timestamp).toMillis() };
}
