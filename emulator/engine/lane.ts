import { eased, effectiveLimits, NO_PRESSURE, pushedBack } from '../core/back-pressure.ts';
import type { BackPressure } from '../core/back-pressure.ts';
import type { DueItem } from '../core/due-heap.ts';
import type { Queue, RateLimits } from '../core/model.ts';
import { LastMinute } from '../core/last-minute.ts';
import { FULL_BUCKET, nextTokenAt, resizeBucket, settleBucket, takeToken } from '../core/rate.ts';

/** What a queue is doing. */
export interface Load {
  readonly attemptsOut: number;
  /** Attempts that got a response, whatever it was, in the last minute, to the second. */
  readonly responsesLastMinute: number;
  /** Dispatches a second: the queue's rate, less what its targets' pressure takes of it. */
  readonly effectiveRate: number;
}

/** A queue at work: its settings, its bucket of tokens, how far its targets push back, and how many of its attempts are out. */
export class Lane implements DueItem {
  dueAt = 0;
  heapIndex = -1;
  readonly order: number;
  /** No task of the queue ends its retention before; undefined while there is none. */
  expiresAt: number | undefined;
  #queue: Queue;
  #pressure = NO_PRESSURE;
  /** What the pressure leaves of the queue's limits. */
  #limits: RateLimits;
  #bucket = FULL_BUCKET;
  #attemptsOut = 0;
  readonly #responses = new LastMinute();

  constructor(queue: Queue, order: number) {
    this.#queue = queue;
    this.#limits = queue.rateLimits;
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
    this.#ease(now);
    return {
      attemptsOut: this.#attemptsOut,
      responsesLastMinute: this.#responses.count(now),
      effectiveRate: this.#limits.maxDispatchesPerSecond,
    };
  }

  /** Takes new settings or a new state. The bucket keeps its tokens, as far as its new size holds them. */
  replaceQueue(queue: Queue, now: number): void {
    this.#ease(now);
    // Its tasks may be kept for another time now.
    this.expiresAt = undefined;
    this.#queue = queue;
    this.#setPressure(this.#pressure, now);
  }

  /** From when an attempt may start, at or before `now` if it may now; undefined while only an event can change that. */
  opensAt(now: number): number | undefined {
    const { state, rateLimits } = this.#queue;
    if (this.#queue.isPull || state !== 'RUNNING' || this.#attemptsOut >= rateLimits.maxConcurrentDispatches)
      return undefined;
    this.#ease(now);
    this.#bucket = settleBucket(this.#bucket, this.#limits, now);
    // When the pressure eases, the next token comes sooner than it seems now.
    return Math.min(nextTokenAt(this.#bucket, this.#limits), this.#pressure.easesAt);
  }

  /** Spends the token of an attempt that `opensAt` allows. */
  takeToken(): void {
    this.#bucket = takeToken(this.#bucket, this.#limits);
  }

  /** An attempt has started, with a token or, for RunTask, without. */
  attemptStarted(): void {
    this.#attemptsOut += 1;
  }

  attemptEnded(now: number, hasResponse: boolean): void {
    this.#attemptsOut -= 1;
    if (hasResponse) this.#responses.add(now);
  }

  /** A target asked for fewer tasks: the rate in force falls for a while, the queue's settings stay. */
  pushedBack(now: number): void {
    this.#ease(now);
    this.#setPressure(pushedBack(this.#pressure, now), now);
  }

  #ease(now: number): void {
    while (this.#pressure.easesAt <= now) {
      this.#setPressure(eased(this.#pressure), this.#pressure.easesAt);
    }
  }

  #setPressure(pressure: BackPressure, at: number): void {
    const limits = effectiveLimits(this.#queue.rateLimits, pressure);
    this.#bucket = resizeBucket(settleBucket(this.#bucket, this.#limits, at), this.#limits, limits, at);
    this.#pressure = pressure;
    this.#limits = limits;
  }
}
