import type { DueItem } from '../core/due-heap.ts';
import type { Queue } from '../core/model.ts';
import { FULL_BUCKET, nextTokenAt, resizeBucket, settleBucket, takeToken } from '../core/rate.ts';

/** A queue at work: its settings, its bucket of tokens, and how many of its attempts are out. */
export class Lane implements DueItem {
  dueAt = 0;
  heapIndex = -1;
  readonly order: number;
  #queue: Queue;
  #bucket = FULL_BUCKET;
  #attemptsOut = 0;

  constructor(queue: Queue, order: number) {
    this.#queue = queue;
    this.order = order;
  }

  get queue(): Queue {
    return this.#queue;
  }

  /** Takes new settings or a new state. The bucket keeps its tokens, as far as its new size holds them. */
  replaceQueue(queue: Queue, now: number): void {
    const [from, to] = [this.#queue.rateLimits, queue.rateLimits];
    this.#bucket = resizeBucket(settleBucket(this.#bucket, from, now), from, to, now);
    this.#queue = queue;
  }

  /** From when an attempt may start, at or before `now` if it may now; undefined while only an event can change that. */
  opensAt(now: number): number | undefined {
    const { state, rateLimits } = this.#queue;
    if (state !== 'RUNNING' || this.#attemptsOut >= rateLimits.maxConcurrentDispatches) return undefined;
    this.#bucket = settleBucket(this.#bucket, rateLimits, now);
    return nextTokenAt(this.#bucket, rateLimits);
  }

  /** Spends the token of an attempt that `opensAt` allows. */
  takeToken(): void {
    this.#bucket = takeToken(this.#bucket, this.#queue.rateLimits);
  }

  /** An attempt has started, with a token or, for RunTask, without. */
  attemptStarted(): void {
    this.#attemptsOut += 1;
  }

  attemptEnded(): void {
    this.#attemptsOut -= 1;
  }
}
