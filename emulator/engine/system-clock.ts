import type { Clock, Timer } from './clock.ts';

/** Beyond this the clock is taken to have been set anew (by hand, by NTP, by a sleep of the machine), and is followed. */
const MAX_DRIFT_MS = 1000;

/**
 * The longest single wait. Node cannot wait for more than 2^31 ms, and it does not count the time that the machine slept: looking
 * up now and then keeps a timer that is hours away from coming hours late.
 */
const MAX_WAIT_MS = 10 * 60 * 1000;

/** The machine's time, finer than a millisecond and steady, kept within a second of the wall clock. */
export class SystemClock implements Clock {
  #offset = Date.now() - performance.now();

  now(): number {
    const wallNow = Date.now();
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
      const delay = Math.max(0, Math.ceil(at - this.now()));
      timeout = delay > MAX_WAIT_MS ? setTimeout(wait, MAX_WAIT_MS) : setTimeout(fire, delay);
    };
    wait();
    return { cancel: () => clearTimeout(timeout) };
  }
}
