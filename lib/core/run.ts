import type { Cursor } from './cursor.ts';
import type { ErrorRecord } from './errors.ts';
import type { OutboxTask } from './outbox.ts';

/**
 * The state of a run. It begins `running`, and ends `completed`, `failed` or `canceled`:
 *
 *     running ── the last shard is done, onComplete took effect ──▶ completed
 *     running ── a handler threw FatalTaskError ──────────────────▶ failed
 *     running ── pauseRun ──▶ paused ── resumeRun ──▶ running
 *     running, paused ── cancelRun ──▶ canceled
 */
export type RunState = 'running' | 'paused' | 'completed' | 'failed' | 'canceled';

/** One execution of an iterative task. Written at its start and its end, never by a page. */
export interface Run {
  readonly id: string;
  readonly task: string;
  /** The queue of its turns. */
  readonly queue: string;
  /** JSON text of the parameters as they were given. */
  readonly params: string;
  readonly state: RunState;
  /** How many shards it has; fixed at the start. */
  readonly shards: number;
  /** Who asked for it: an e-mail address, the run that started it, or `code`. */
  readonly startedBy: string;
  readonly createdAt: number;
  readonly endedAt?: number;
  /** Documents handled, once completed; before that, the sum over the shards. */
  readonly processed?: number;
  readonly error?: ErrorRecord;
  /** What its start, and later its completion, must enqueue. */
  readonly outbox: readonly OutboxTask[];
}

/** The state of a shard: `running` until a page comes up short, then `done`; `failed` when its handler gave up for good. */
export type ShardState = 'running' | 'done' | 'failed';

/** One chain of pages. Written once by each turn, under the precondition that it is as the turn read it. */
export interface Shard {
  readonly index: number;
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
  /** Failures of the user's code since the last page that took effect. */
  readonly failures: number;
  /** Documents set aside. */
  readonly quarantined: number;
  /** Documents that the next page asks for; absent while that is the definition's own size. */
  readonly pageSize?: number;
  /** Of an exclusive task: the number of the last delivery that held the shard, and the instant until which one holds it now. */
  readonly fencingToken?: number;
  readonly heldUntil?: number;
  readonly updatedAt: number;
  /** The last failure, until a page succeeds. */
  readonly lastError?: ErrorRecord;
  /** What the last committed turn must enqueue. */
  readonly outbox: readonly OutboxTask[];
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
