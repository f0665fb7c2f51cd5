import type { DispatchResult } from '../core/dispatch.ts';
import type { DueItem } from '../core/due-heap.ts';
import { LastMinute } from '../core/last-minute.ts';
import type { Queue, Target } from '../core/model.ts';
import type { SlowReason } from './events.ts';
import { Pace } from './pace.ts';
import type { Throttles } from './pace.ts';

/** What a queue is doing. */
export interface Load {
  readonly attemptsOut: number;
  /** Attempts that got a response, whatever it was, in the last minute, to the second. */
  readonly responsesLastMinute: number;
  /** Dispatches a second: the queue's rate, less what its targets' pressure and its slow start take of it. */
  readonly effectiveRate: number;
}

/** A queue at work: its settings, how fast it sends, and how many of its attempts are out. */
export class Lane implements DueItem {
  dueAt = 0;
  heapIndex = -1;
  readonly order: number;
  /** No task of the queue ends its retention before; undefined while there is none. */
  expiresAt: number | undefined;
  #queue: Queue;
  readonly #pace: Pace;
  #attemptsOut = 0;
  #hasToldOfCold = false;
  readonly #responses = new LastMinute();

  constructor(queue: Queue, order: number, throttles: Throttles) {
    this.#queue = queue;
    this.#pace = new Pace(queue.rateLimits, throttles);
    this.order = order;
  }

  get queue(): Queue {
    return this.#queue;
  }

  /** Whether no attempt is out. */
  get isAtRest(): boolean {
    return this.#attemptsOut === 0;
  }

  load(now: number): Load {
    return {
      attemptsOut: this.#attemptsOut,
      responsesLastMinute: this.#responses.count(now),
      effectiveRate: this.#pace.rate(now),
    };
  }

  /** When its tokens are all there again, if no task leaves. */
  get tokensFullAt(): number {
    return this.#pace.bucketFullAt;
  }

  /** Has its tokens all there from that instant on, and no sooner. */
  fillTokensAt(at: number): void {
    this.#pace.fillBucketAt(at);
  }

  /** Takes new settings or a new state. */
  replaceQueue(queue: Queue, now: number): void {
    // Its tasks may be kept for another time now.
    this.expiresAt = undefined;
    const isResumed = this.#queue.state !== 'RUNNING' && queue.state === 'RUNNING';
    this.#queue = queue;
    this.#pace.setLimits(queue.rateLimits, now);
    if (isResumed) this.#pace.cool(now);
  }

  /** From when an attempt may start, at or before `now` if it may now; undefined while only an event can change that. */
  opensAt(now: number): number | undefined {
    const { state, rateLimits } = this.#queue;
    if (this.#queue.isPull || state !== 'RUNNING' || this.#attemptsOut >= rateLimits.maxConcurrentDispatches)
      return undefined;
    return this.#pace.opensAt(now);
  }

  /** Whether a task that is due waits because the queue is cold. True once, until the queue has come up to its rate. */
  becameColdStart(now: number, taskDueAt: number): boolean {
    if (!this.#pace.isCold) this.#hasToldOfCold = false;
    else if (!this.#hasToldOfCold && taskDueAt <= now && (this.opensAt(now) ?? now) > now) {
      this.#hasToldOfCold = true;
      return true;
    }
    return false;
  }

  /** Spends the token of an attempt that `opensAt` allows. */
  takeToken(): void {
    this.#pace.takeToken();
  }

  /** An attempt has started, with a token or, for RunTask, without. */
  attemptStarted(): void {
    this.#attemptsOut += 1;
  }

  /** Returns why the rate in force is lower now, if it is; the queue's settings stay. */
  attemptEnded(now: number, result: DispatchResult, kind: Target['kind']): SlowReason | undefined {
    this.#attemptsOut -= 1;
    if (result.kind === 'response') this.#responses.add(now);
    return this.#pace.attemptEnded(now, result, kind);
  }
}
