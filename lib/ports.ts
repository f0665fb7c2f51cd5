import type { DocumentData, Firestore, Query, QueryDocumentSnapshot } from '@google-cloud/firestore';
import type { Child, Parent } from './core/child.ts';
import type { Cursor } from './core/cursor.ts';
import type { Drawing } from './core/drawing.ts';
import type { KnownRuns } from './known-runs.ts';
import type { RetryLimits } from './core/last-attempt.ts';
import type { Retry } from './core/last-word.ts';
import type { Json } from './core/parameters.ts';
import type { OutboxTask } from './core/outbox.ts';
import type { KeyRange } from './core/key-range.ts';
import type { Run, RunChange, RunRecords, Shard } from './core/run.ts';
import type { Write } from './core/write.ts';

/** A record with the mark of the version that was read. A commit names it, and takes effect only if it is still the newest. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: unknown;
  /** When it was written, by the store's own clock, in milliseconds since 1970. */
  readonly writtenAt: number;
}

/**
 * How a commit ended. `conflict`: somebody else has written the record since it was read; nothing of this commit took effect. A
 * commit that rejects may have taken effect or not: read again to know.
 */
export type CommitResult = 'committed' | 'conflict';

/** Where runs are kept. What is written together takes effect together or not at all. */
export interface RunStore {
  readonly db: Firestore;
  /**
   * Writes a run, unless it exists. A run with a key holds it until `changeRun` ends it.
   *
   * @throws PageturnerError `invalid-state` when another run holds its key.
   */
  createRun(run: Run): Promise<'created' | 'exists'>;
  /** One round trip. Undefined when either is missing. */
  readTurn(run: string, shard: number): Promise<{ run: Versioned<Run>; shard: Versioned<Shard> } | undefined>;
  /** The documents of a range after the cursor, at most `limit`. One round trip. */
  readPage<D extends DocumentData>(
    query: Query<D>,
    range: KeyRange,
    after: Cursor | null,
    limit: number,
  ): Promise<Page<D>>;
  /** The documents that a run has set aside, after the cursor, at most `limit`. Two round trips. */
  readSetAside(run: string, after: Cursor | null, limit: number): Promise<SetAsidePage>;
  /** Writes a shard's next form, if it is as it was read, and gives what the next commit has to name. */
  holdTurn(run: string, before: Versioned<Shard>, after: Shard): Promise<Versioned<Shard> | 'conflict'>;
  /** A turn: the user's writes and the shard's next form, if the shard is as it was read. One round trip. */
  commitTurn(
    run: string,
    before: Versioned<Shard>,
    after: Shard,
    writes: readonly Write[],
  ): Promise<CommitResult>;
  /**
   * Anything else that happens to a run, by what stands in it and all its shards. `change` says what is to be written, or undefined for
   * nothing. That takes effect only if the run, and each shard that it relies on, is as `change` found it; when somebody else was quicker,
   * `change` is called again with what stands then, so it must do nothing else.
   *
   * @returns what was written
   * @throws PageturnerError `invalid-state` when there is no such run; and what `change` throws.
   */
  changeRun(
    run: string,
    change: (found: RunRecords) => RunChange | undefined,
    writes?: readonly Write[],
  ): Promise<RunChange | undefined>;
  /**
   * Finds paths at which to part a query into ranges of about the same size, at most `parts` of them, step by step: some round trips
   * each. It is to be called with what it gave, until that is without a search.
   *
   * @param soFar where to go on; from the beginning unless given
   * @throws PageturnerError `invalid-query` when the order of the query makes ranges of keys unsound.
   */
  drawBoundaries<D extends DocumentData>(query: Query<D>, parts: number, soFar?: Drawing): Promise<Drawing>;
  /** How many documents a query has. Costs a read for each thousand. */
  count<D extends DocumentData>(query: Query<D>): Promise<number>;
  /** Keeps the end of a one-shot task that failed for good. Writing it again changes nothing. */
  recordFailure(failure: TaskFailure): Promise<void>;
  /** Notes that a child has ended: well, or not, and why. Doing it again changes nothing; one that is not noted is none. */
  endChild(parent: Parent, failure?: string): Promise<void>;
  /** Notes the task that carries an open child on, unless a later repetition of it is noted already: deliveries may come late. */
  moveChild(parent: Parent, next: Required<Pick<Child, 'taskId' | 'repeat' | 'at'>>): Promise<void>;
  /** Children of a run that have not ended, by their ids, those after `after`, at most `limit`. */
  openChildren(run: string, after: string | null, limit: number): Promise<readonly Child[]>;
  /** How many children of a run did not end well. */
  countFailedChildren(run: string): Promise<number>;
  getRun(run: string): Promise<RunRecords | undefined>;
  /** Runs that the healer looks after, by their ids, those after `after`, at most `limit`. */
  listActive(after: string | null, limit: number): Promise<readonly Run[]>;
  listRuns(filter: { readonly task?: string; readonly limit: number }): Promise<readonly Run[]>;
}

export interface Page<D extends DocumentData> {
  readonly documents: readonly QueryDocumentSnapshot<D>[];
  /**
   * Where a page behind a document of this one starts.
   *
   * @throws PageturnerError `invalid-query` when no position can be had from the document.
   */
  positionOf(document: QueryDocumentSnapshot<D>): Cursor;
  /** How many documents such as these a page may have for the memory of this process; absent where the store cannot tell. */
  readonly most?: number | undefined;
}

/** A page of documents that were set aside, and exist still. */
export interface SetAsidePage extends Page<DocumentData> {
  /** Paths of those that do not exist any more. */
  readonly gone: readonly string[];
  /** How many were read, gone ones included. */
  readonly read: number;
  /** Where the page behind all that were read starts; null when none was. */
  readonly end: Cursor | null;
}

export interface TaskFailure {
  readonly id: string;
  readonly task: string;
  readonly params: Json;
  readonly message: string;
  readonly stack?: string;
  readonly at: number;
}

export interface TaskQueue {
  /** Enqueues under the task's own id. `exists`: the queue has it, or had it within the time that it remembers names. */
  enqueue(task: OutboxTask): Promise<'created' | 'exists'>;
  /** Whether the queue holds the task now: it waits, or an attempt is under way, or it will be tried again. */
  has(task: Pick<OutboxTask, 'id' | 'queue'>): Promise<boolean>;
}

/** What a failed delivery asks of its queue. */
export interface RetryLookup {
  /** How long a queue tries. May be some minutes old. */
  retryLimits(queue: string): Promise<RetryLimits>;
  /** When the first attempt of a task was made, in milliseconds since 1970; undefined when the queue does not say. */
  firstAttemptAt(queue: string, taskId: string): Promise<number | undefined>;
}

/** One attempt of a queue to deliver a task. */
export interface Attempt extends Retry {
  /** Whether the queue drops the task when this attempt fails. To be asked only when it has failed: it costs a call or two. */
  isLast(): Promise<boolean>;
  /** When the first attempt at the task was made, by the queue's own clock; undefined when it cannot be asked. It costs a call. */
  firstMadeAt(): Promise<number | undefined>;
}

/** Time, so that tests can hold it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls `fire` once after `delayMs`, unless cancelled by calling what is returned. */
  after(delayMs: number, fire: () => void): () => void;
}

export type Severity = 'INFO' | 'WARNING' | 'ERROR';

/** Where the life of runs is told. Fields never hold parameters or documents. */
export interface Log {
  write(severity: Severity, message: string, fields: Readonly<Record<string, unknown>>): void;
}

/** All that the use cases need of the world. */
export interface Ports {
  readonly store: RunStore;
  readonly queue: TaskQueue;
  readonly clock: Clock;
  readonly log: Log;
  /** What this process knows of runs; without it each page is read after its run. */
  readonly knownRuns?: KnownRuns;
}
