import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dispatch } from '../core/dispatch.ts';
import { waitUntil } from '../engine/clock.ts';
import type { Clock, Timer } from '../engine/clock.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';

export interface VirtualTimeOptions {
  /** Ms since 1970. */
  readonly startAt: number;
  /** How long, in ms of real time, a target may take before it counts as one that hangs. */
  readonly answerWithinMs: number;
}

/**
 * Time that stands until it is told to move, for an engine whose attempts are real HTTP calls. What is due now is done at once, as on
 * any clock; what is due later waits for the clock to move.
 *
 * A call happens in real time while the clock stands, so an answer takes no time on it. **The clock moves only when no call is out**,
 * and fires one timer after the other, each at its own instant: what a target is told, when and how often, does not hang on how fast
 * it answers. A target that does not answer in `answerWithinMs` of real time counts as one that hangs: its call is cut off, and the
 * attempt stays out until its deadline has passed on the clock.
 */
export class VirtualTime implements Clock {
  readonly #options: VirtualTimeOptions;
  #clock: VirtualClock;
  /** Calls and due work that the clock waits for. */
  #busy = 0;
  #whenQuiet: PromiseWithResolvers<void> | undefined;
  /** Movements follow one another. */
  #moving: Promise<unknown> = Promise.resolve();

  constructor(options: VirtualTimeOptions) {
    this.#options = options;
    this.#clock = new VirtualClock(options.startAt);
  }

  now(): number {
    return this.#clock.now();
  }

  at(at: number, fire: () => void): Timer {
    if (at > this.now()) return this.#clock.at(at, fire);
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      this.#ended();
    };
    this.#busy += 1;
    const immediate = setImmediate(() => {
      end();
      fire();
    });
    return {
      cancel: () => {
        clearImmediate(immediate);
        end();
      },
    };
  }

  /** The calls that the clock waits for. Goes around the dispatcher, inside of any faults. */
  wrap(dispatch: Dispatch): Dispatch {
    return async (request, signal) => {
      const deadlineAt = this.now() + request.task.dispatchDeadlineMs;
      const call = new AbortController();
      let isHanging = false;
      const cut = (): void => call.abort();
      const patience = setTimeout(() => {
        isHanging = true;
        cut();
      }, this.#options.answerWithinMs);
      signal.addEventListener('abort', cut, { once: true });
      if (signal.aborted) cut();
      this.#busy += 1;
      const result = await dispatch(request, call.signal);
      clearTimeout(patience);
      signal.removeEventListener('abort', cut);
      const isLate = result.kind === 'timeout' || (result.kind === 'unreachable' && isHanging);
      const end = isLate ? waitUntil(this, deadlineAt, signal) : undefined;
      this.#ended();
      await end;
      return isLate ? { kind: 'timeout' } : result;
    };
  }

  /** Resolves when nothing happens any more unless the clock moves or somebody acts. */
  async quiet(): Promise<void> {
    await nextTurn();
    while (this.#busy > 0) {
      this.#whenQuiet ??= Promise.withResolvers();
      await this.#whenQuiet.promise;
      // What the end of a call sets off has its say.
      await nextTurn();
    }
  }

  /** Moves on by so many ms, firing what is due on the way. Resolves when nothing is out any more. */
  async advance(ms: number): Promise<void> {
    await this.#move(async () => {
      const at = this.now() + ms;
      while (await this.#fireNext(at));
      await this.#clock.advanceTo(at);
    });
  }

  /** Moves to the next timer, fires it, and resolves when nothing is out any more; to false, without moving, if there is none. */
  async runNext(): Promise<boolean> {
    return await this.#move(() => this.#fireNext(Number.POSITIVE_INFINITY));
  }

  /** Goes back to the start. No timer may be set. */
  restart(): void {
    this.#clock = new VirtualClock(this.#options.startAt);
  }

  async #fireNext(latest: number): Promise<boolean> {
    const at = this.#clock.nextTimerAt;
    if (at === undefined || at > latest) return false;
    await this.#clock.advanceTo(at);
    await this.quiet();
    return true;
  }

  async #move<T>(move: () => Promise<T>): Promise<T> {
    const moved = this.#moving.then(() => this.quiet()).then(move);
    this.#moving = moved.catch(() => undefined);
    return await moved;
  }

  #ended(): void {
    this.#busy -= 1;
    if (this.#busy > 0) return;
    this.#whenQuiet?.resolve();
    this.#whenQuiet = undefined;
  }
}
