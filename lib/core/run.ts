import type { Blamed } from './blame.ts';
import type { Parent } from './child.ts';
import type { Cursor } from './cursor.ts';
import type { Drawing } from './drawing.ts';
import type { EffectsReport } from './effects-report.ts';
import { PageturnerError, type ErrorRecord } from './errors.ts';
import { rangesBetween, type KeyRange } from './key-range.ts';
import type { HistoryEntry } from './history.ts';
import type { LastWord } from './last-word.ts';
import type { OutboxTask } from './outbox.ts';
import type { CallbackName, OwedCallback, OwedName } from './owed.ts';
import type { Repeating } from './repeating.ts';
import { isActive, type RunState } from './run-state.ts';
import type { Suspect } from './suspect.ts';
import type { Version } from './version.ts';

/** One execution of an iterative task. Written when its state changes, never by a page. */
export interface Run {
  readonly id: string;
  readonly task: string;
  /** The queue of its tasks. */
  readonly queue: string;
  /** JSON text of the parameters as they were given. */
  readonly params: string;
  readonly state: RunState;
  /** Raised when what the run itself does next is cut and begun anew: tasks of an older epoch are void. */
  readonly epoch: number;
  /** How many shards it has; until it is prepared, how many it shall have. */
  readonly shards: number;
  /** Paths at which the second and each later shard begins; undefined until the run is prepared, and frozen then. */
  readonly boundaries?: readonly string[];
  /** How far the search for the boundaries has come; undefined once the run is prepared. */
  readonly drawing?: Drawing;
  /** Seconds that one invocation of its worker may take. */
  readonly timeoutSeconds: number;
  /** Who asked for it: an e-mail address, the run that started it, or `code`. */
  readonly startedBy: string;
  /** The versions of its task that may work on it, the one that was let last; absent when it was started by a task without. */
  readonly versions?: readonly Version[];
  /** The version of the worker that stopped it, which a resume or a retry lets work on it. */
  readonly offeredVersion?: Version;
  /** Of the runs of its task with this key, only one at a time may not have ended. */
  readonly key?: string;
  /** Another run follows when it has completed, so many seconds later and with as many shards as were asked for. */
  readonly repeat?: Repeating & { readonly shards: number };
  /** The first run of those that followed one another, unless it is that itself, and how many came before this one. */
  readonly repeatOf?: string;
  readonly repetition?: number;
  /** The run that followed it. */
  readonly nextRun?: string;
  /** The run that waits for its end. */
  readonly parent?: Parent;
  /** Documents that its shards together take in a second, at most; absent without a limit. */
  readonly documentsPerSecond?: number;
  /** How many shards share that: those that are not done. All of them unless given. */
  readonly walking?: number;
  /** Whether its handlers run and nothing that they ask for is done. */
  readonly isDryRun?: true;
  /** Of a dry run: what `onComplete` and the callbacks asked for. */
  readonly report?: EffectsReport;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The instant before which it was not to begin. */
  readonly at?: number;
  readonly endedAt?: number;
  /** How many documents the query had when the run was prepared; undefined where they were not counted. */
  readonly total?: number;
  /** Documents handled, once completed; before that, the sum over the shards. */
  readonly processed?: number;
  readonly error?: ErrorRecord;
  /** JSON text of the states of all shards, reduced; once completed, for a task with state. */
  readonly result?: string;
  /** While it is pausing or canceling, if it was completing: the epoch of that completion, whose `onComplete` may be at work. */
  readonly cutCompletion?: number;
  /** The callbacks that its task had when it was started; absent when it had none. */
  readonly callbacks?: readonly CallbackName[];
  /** The callbacks that it has to make, the next one first. */
  readonly owed?: readonly OwedCallback[];
  /** The number of the last callback that it had to make. */
  readonly lastOwed?: number;
  /** The last failure of a callback. */
  readonly callbackError?: ErrorRecord & { readonly callback: OwedName };
  /** How often its completion found children that had not ended. */
  readonly waits?: number;
  /** Children that ended, and not well; once completed, for a task that waits for them. */
  readonly failedChildren?: number;
  /** Failures of its preparation (`query`, `onStart`) or of `onComplete`; absent when it has not failed. */
  readonly failures?: number;
  /** Whether it has completed before it was retried: `onComplete` is not called again. */
  readonly hasCompleted?: boolean;
  /** Whether it failed with shards whose last pages started tasks that may not be enqueued yet. */
  readonly hasLeftovers: boolean;
  /** What happened to it, the newest last; at most the last 50. */
  readonly history: readonly HistoryEntry[];
  /** What its last change must enqueue. The task with which the run itself goes on, if any, stands last. */
  readonly outbox: readonly OutboxTask[];
}

/**
 * The state of a shard: `running` until a page comes up short, then `done`; `parked` while its run is paused or once its run has ended
 * without it.
 */
export type ShardState = 'running' | 'parked' | 'done';

/** One chain of pages. Written once by each turn, under the precondition that it is as the turn read it. */
export interface Shard {
  readonly index: number;
  /** `set-aside`: it walks over the documents that the run has set aside, instead of a part of the query. */
  readonly source?: 'set-aside';
  readonly state: ShardState;
  /** The turn that is to be taken next; each turn below it has been committed. */
  readonly turn: number;
  /** Raised when the chain is cut and restarted; tasks of an older epoch are void. */
  readonly epoch: number;
  /** Where the next page starts; null at the beginning. */
  readonly cursor: Cursor | null;
  /** Documents handled. */
  readonly processed: number;
  /** Pages with at least one document. */
  readonly pages: number;
  /** Child tasks started. */
  readonly started: number;
  /** Failures of the user's code since the last page that took effect, with the one that cut that page short. */
  readonly failures: number;
  /** What the last of them was of, and how often in a row it was; absent while there are none. */
  readonly blamed?: Blamed;
  /** Documents set aside, without those that were taken again: the sum over the shards is how many are set aside now. */
  readonly quarantined: number;
  /** Documents that the next page asks for; absent while that is the definition's own size. */
  readonly pageSize?: number;
  /** The last attempt at the present turn that kept why it failed; absent when none has. */
  readonly lastWord?: LastWord;
  /** The document of which the present turn may die; absent unless attempts have had it alone. */
  readonly suspect?: Suspect;
  /** JSON text of `ctx.state` after the last page; absent before the first, and for a task without state. */
  readonly result?: string;
  /** Of an exclusive task: the number of the last delivery that held the shard, and the instant until which one holds it now. */
  readonly fencingToken?: number;
  readonly heldUntil?: number;
  /** The instant before which its next page does not begin. */
  readonly notBefore?: number;
  /** Of a dry run: what its pages asked for. */
  readonly report?: EffectsReport;
  readonly updatedAt: number;
  /** The last failure, until a page succeeds. */
  readonly lastError?: ErrorRecord;
  /** What the last committed turn must enqueue: the children first, the chain's own next task last. */
  readonly outbox: readonly OutboxTask[];
}

/** A run with all its shards; none while it is not prepared. */
export interface RunRecords {
  readonly run: Run;
  readonly shards: readonly Shard[];
}

/** Whether a run was read without some of its shards: they were read before it was prepared, or before a retry gave it one more. */
export function lacksShards({ run, shards }: RunRecords): boolean {
  return run.boundaries !== undefined && shards.length < run.shards;
}

/** What of a run is to be written. */
export interface RunChange {
  readonly run?: Run;
  readonly shards?: readonly Shard[];
  /** A run that follows this one, which ends: it is created, and takes the key over if this one has one. */
  readonly follower?: Run;
  /**
   * `written`: it follows from the run and from those shards that it writes, whatever the others do. Otherwise it takes effect only if
   * they too are as it found them.
   */
  readonly reliesOn?: 'written';
}

/** The versions that may work on a run, with one more. */
export function withVersion({ versions = [] }: Run, version: Version | undefined): Pick<Run, 'versions'> {
  const others = versions.filter((known) => known !== version);
  const all = [...others, ...(version === undefined ? [] : [version])].slice(-mostVersions);
  return all.length === 0 ? {} : { versions: all };
}

const mostVersions = 20;

export function noSuchRun(id: string): PageturnerError {
  return new PageturnerError('invalid-state', `There is no run ${id}.`);
}

/** What a start is told whose key another run holds. */
export function keyIsHeld({ task, key }: Run, holder: string): PageturnerError {
  return new PageturnerError(
    'invalid-state',
    `Run ${holder} of task "${task}" has the key "${key}" and has not ended; wait for it, cancel it, or give another key.`,
  );
}

export function newShard(index: number, now: number): Shard {
  return {
    index,
    state: 'running',
    turn: 0,
    epoch: 0,
    cursor: null,
    processed: 0,
    pages: 0,
    started: 0,
    failures: 0,
    quarantined: 0,
    updatedAt: now,
    outbox: [],
  };
}

/** The part of the walk that is a shard's. */
export function rangeOf(run: Run, index: number): KeyRange {
  const range = rangesBetween(run.boundaries ?? [])[index];
  if (range === undefined) throw new RangeError(`Run ${run.id} has no shard ${index}`);
  return range;
}

/** Whether something must still happen to the run by itself: the healer looks after these. */
export function needsCare({ state, outbox, owed, hasLeftovers }: Run): boolean {
  return isActive(state) || outbox.length > 0 || owed !== undefined || hasLeftovers;
}
