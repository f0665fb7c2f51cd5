import { setImmediate } from 'node:timers/promises';
import { DueHeap } from '../core/due-heap.ts';
import type { DueItem } from '../core/due-heap.ts';
import type { Clock, Timer } from './clock.ts';

interface PendingTimer extends DueItem {
  readonly fire: () => void;
}

/**
 * A clock that stands still until it is told to move. It then fires the timers on its way one at a time, each at its own instant
 * and in due order, and lets promises settle in between: what a timer set off has had its say before the next one fires.
 */
export class VirtualClock implements Clock {
  #now: number;
  #lastOrder = 0;
  readonly #timers = new DueHeap<PendingTimer>();
  readonly #settle: () => Promise<void>;

  /**
   * @param startAt Milliseconds since 1970.
   * @param settle Lets promises settle; a turn of the event loop unless given.
   */
  constructor(startAt: number, settle: () => Promise<void> = turnOfTheLoop) {
    this.#now = startAt;
    this.#settle = settle;
  }

  now(): number {
    return this.#now;
  }

  at(at: number, fire: () => void): Timer {
    this.#lastOrder += 1;
    const timer: PendingTimer = { dueAt: at, order: this.#lastOrder, heapIndex: -1, fire };
    this.#timers.set(timer, at);
    return { cancel: () => this.#timers.remove(timer) };
  }

  /** When the next timer fires; `undefined` if none is set. */
  get nextTimerAt(): number | undefined {
    return this.#timers.peek()?.dueAt;
  }

  /** Moves to the next timer and fires it. Resolves to false, without moving, if none is set. */
  async runNext(): Promise<boolean> {
    await this.#settle();
    return this.#fireNext(Number.POSITIVE_INFINITY);
  }

  /** Moves to `at`, which must not lie in the past, and fires every timer on the way, those set meanwhile included. */
  async advanceTo(at: number): Promise<void> {
    if (!(at >= this.#now))
      throw new RangeError(`The clock stands at ${this.#now} and cannot go back to ${at}.`);
    await this.#settle();
    while (await this.#fireNext(at));
    this.#now = Math.max(this.#now, at);
  }

  /** Moves on by so many milliseconds, as `advanceTo` does. */
  async advanceBy(ms: number): Promise<void> {
    await this.advanceTo(this.#now + ms);
  }

  async #fireNext(latest: number): Promise<boolean> {
    const timer = this.#timers.peek();
    if (timer === undefined || timer.dueAt > latest) return false;
    this.#timers.remove(timer);
    this.#now = Math.max(this.#now, timer.dueAt);
    timer.fire();
    await this.#settle();
    return true;
  }
}

/** A turn of the event loop: every promise that can settle by itself has done so. */
async function turnOfTheLoop(): Promise<void> {
  await setImmediate();
}
