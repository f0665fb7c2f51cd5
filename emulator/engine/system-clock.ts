import type { Clock, Timer } from './clock.ts';

/** Beyond this the clock is taken to have been set anew (by hand, by NTP, by a sleep of the machine), and is followed. */
const MAX_DRIFT_MS = 1000;

/**
 * The longest single wait. Node cannot wait for more than 2^31 ms, and it does not count the time that the machine slept: looking
 * up now and then keeps a timer that is hours away from coming hours late.
 */
const MAX_WAIT_MS = 10 * 60 * 1000;

/**
 * Time that passes as the machine's does, finer than a millisecond and steady, and kept within a second of the wall clock. No timer fires
 * before its instant.
 */
export class SystemClock implements Clock {
  readonly #aheadMs: number;
  #offset: number;

  /** `startsAt`: what it shows at first, in ms since 1970; the wall clock's time unless given. */
  constructor(startsAt?: number) {
    const wallNow = Date.now();
    this.#aheadMs = (startsAt ?? wallNow) - wallNow;
    this.#offset = (startsAt ?? wallNow) - performance.now();
  }

  now(): number {
    const wallNow = Date.now() + this.#aheadMs;
    const now = performance.now() + this.#offset;
    const drift = wallNow - now;
    if (Math.abs(drift) <= MAX_DRIFT_MS) return now;
    this.#offset += drift;
    return wallNow;
  }

  at(at: number, fire: () => void): Timer {
    // What is due already is not made to wait for the millisecond that is Node's shortest timeout.
    if (at <= this.now()) {
      const immediate = setImmediate(fire);
      return { cancel: () => clearImmediate(immediate) };
    }
    let timeout: NodeJS.Timeout;
    const wait = (): void => {
      timeout = setTimeout(fireIfDue, Math.min(Math.ceil(at - this.now()), MAX_WAIT_MS));
    };
    // Node counts whole milliseconds of a clock of its own, and may wake a fraction of one early.
    const fireIfDue = (): void => {
      if (at <= this.now()) fire();
      else wait();
    };
    wait();
    return { cancel: () => clearTimeout(timeout) };
  }
}
