import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dispatch } from '../core/dispatch.ts';
import { waitUntil } from '../engine/clock.ts';
import type { Clock, Timer } from '../engine/clock.ts';
import { SystemClock } from '../engine/system-clock.ts';
import { VirtualClock } from '../engine/virtual-clock.ts';

export interface EmulatorTimeOptions {
  /** Frozen at this instant at first, in ms since 1970; without it time passes from the machine's own on. */
  readonly frozenAt?: number | undefined;
  /** While frozen: how long, in ms of real time, a target may take before it counts as one that hangs. */
  readonly answerWithinMs: number;
}

type Mode =
  | { readonly kind: 'running'; readonly clock: SystemClock }
  | { readonly kind: 'frozen'; readonly clock: VirtualClock };

interface Pending {
  readonly at: number;
  readonly fire: () => void;
  timer: Timer;
}

/** A call to a target that is out. */
interface Call {
  readonly frozen: () => void;
  readonly running: () => void;
}

/**
 * The time of an engine whose attempts are real HTTP calls. It is **running**, as the machine's time does, or **frozen**: then it stands
 * until it is told to move. `freeze` and `resume` change between them; it goes on where it stands, and never goes back.
 *
 * While it is frozen what is due is done at once, as on any clock, and what is due later waits for the clock to move. A call happens in
 * real time while the clock stands, so an answer takes no time on it. **The clock moves only when no call is out**, and fires one timer
 * after the other, each at its own instant: what a target is told, when and how often, does not hang on how fast it answers. A target that
 * does not answer in `answerWithinMs` of real time counts as one that hangs: its call is cut off, and the attempt stays out until its
 * deadline has passed on the clock.
 */
export class EmulatorTime implements Clock {
  readonly #options: EmulatorTimeOptions;
  #mode: Mode;
  /** The timers that are set, in the order in which they were, but for those of what is done at once. */
  readonly #pending = new Set<Pending>();
  readonly #calls = new Set<Call>();
  /** Due work that the frozen clock waits for, beside the calls. */
  #dueCount = 0;
  #whenQuiet: PromiseWithResolvers<void> | undefined;
  /** Movements follow one another. */
  #moving: Promise<unknown> = Promise.resolve();

  constructor(options: EmulatorTimeOptions) {
    this.#options = options;
    this.#mode = this.#firstMode();
  }

  get isFrozen(): boolean {
    return this.#mode.kind === 'frozen';
  }

  now(): number {
    return this.#mode.clock.now();
  }

  at(at: number, fire: () => void): Timer {
    const pending: Pending = { at, fire, timer: NO_TIMER };
    this.#set(pending);
    return {
      cancel: () => {
        this.#pending.delete(pending);
        pending.timer.cancel();
      },
    };
  }

  /** The calls that a frozen clock waits for. Goes around the dispatcher, inside of any faults. */
  wrap(dispatch: Dispatch): Dispatch {
    return async (request, signal) => {
      const deadlineAt = this.now() + request.task.dispatchDeadlineMs;
      const stop = new AbortController();
      let isHanging = false;
      const cut = (): void => stop.abort();
      let patience: NodeJS.Timeout | undefined;
      const call: Call = {
        frozen: () => {
          patience = setTimeout(() => {
            isHanging = true;
            cut();
          }, this.#options.answerWithinMs);
        },
        running: () => clearTimeout(patience),
      };
      signal.addEventListener('abort', cut, { once: true });
      if (signal.aborted) cut();
      this.#calls.add(call);
      if (this.isFrozen) call.frozen();
      const result = await dispatch(request, stop.signal);
      clearTimeout(patience);
      signal.removeEventListener('abort', cut);
      const isLate = result.kind === 'timeout' || (result.kind === 'unreachable' && isHanging);
      const end = isLate ? waitUntil(this, deadlineAt, signal) : undefined;
      this.#calls.delete(call);
      this.#tellIfQuiet();
      await end;
      return isLate ? { kind: 'timeout' } : result;
    };
  }

  /** Resolves when no call is out and, while it is frozen, nothing happens any more unless the clock moves or somebody acts. */
  async quiet(): Promise<void> {
    await nextTurn();
    while (this.#isBusy) {
      this.#whenQuiet ??= Promise.withResolvers();
      await this.#whenQuiet.promise;
      // What the end of a call sets off has its say.
      await nextTurn();
    }
  }

  /** Stands from now on. A call that is out has `answerWithinMs` left. Does nothing if it is frozen. */
  freeze(): void {
    if (this.#mode.kind === 'running') this.freezeAt(this.now());
  }

  /** Stands at this instant from now on, be it past or future. What was to be done at an instant is done at that instant. */
  freezeAt(at: number): void {
    const calls = this.#mode.kind === 'running' ? [...this.#calls] : [];
    this.#switchTo({ kind: 'frozen', clock: new VirtualClock(at) });
    for (const call of calls) call.frozen();
  }

  /** Runs from where it stands, once the movements that were asked for are over. Does nothing if it is running. */
  async resume(): Promise<void> {
    await this.afterMoves(() => {
      if (this.#mode.kind === 'running') return;
      this.#switchTo({ kind: 'running', clock: new SystemClock(this.now()) });
      for (const call of this.#calls) call.running();
    });
  }

  /** Moves on by so many ms, firing what is due on the way. Resolves when nothing is out any more. To be called while frozen. */
  async advance(ms: number): Promise<void> {
    await this.afterMoves(async () => {
      await this.quiet();
      const at = this.now() + ms;
      while (await this.#fireNext(at));
      if (this.#mode.kind === 'frozen') await this.#mode.clock.advanceTo(at);
    });
  }

  /**
   * Moves to the next timer, fires it, and resolves when nothing is out any more; to false, without moving, if there is none. To be called
   * while frozen.
   */
  async runNext(): Promise<boolean> {
    return await this.afterMoves(async () => {
      await this.quiet();
      return await this.#fireNext(Number.POSITIVE_INFINITY);
    });
  }

  /** Goes back to how it was at first. No timer may be set. */
  restart(): void {
    this.#mode = this.#firstMode();
  }

  get #isBusy(): boolean {
    return this.#calls.size > 0 || this.#dueCount > 0;
  }

  #firstMode(): Mode {
    const { frozenAt } = this.#options;
    return frozenAt === undefined
      ? { kind: 'running', clock: new SystemClock() }
      : { kind: 'frozen', clock: new VirtualClock(frozenAt) };
  }

  #switchTo(mode: Mode): void {
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const { timer } of pending) timer.cancel();
    this.#mode = mode;
    for (const each of pending) this.#set(each);
  }

  #set(pending: Pending): void {
    const { at, fire } = pending;
    if (this.#mode.kind === 'frozen' && at <= this.now()) {
      pending.timer = this.#soon(fire);
      return;
    }
    this.#pending.add(pending);
    const fired = (): void => {
      this.#pending.delete(pending);
      fire();
    };
    pending.timer = this.#mode.clock.at(at, fired);
  }

  /** Does what is due at the next turn of the event loop. The frozen clock does not move before. */
  #soon(fire: () => void): Timer {
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      this.#dueCount -= 1;
      this.#tellIfQuiet();
    };
    this.#dueCount += 1;
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

  async #fireNext(latest: number): Promise<boolean> {
    if (this.#mode.kind === 'running') return false;
    const { clock } = this.#mode;
    const at = clock.nextTimerAt;
    if (at === undefined || at > latest) return false;
    await clock.advanceTo(at);
    await this.quiet();
    return true;
  }

  /** Does work once the movements that were asked for are over, and none goes on meanwhile. */
  async afterMoves<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#moving.then(work);
    this.#moving = done.catch(() => undefined);
    return await done;
  }

  #tellIfQuiet(): void {
    if (this.#isBusy) return;
    this.#whenQuiet?.resolve();
    this.#whenQuiet = undefined;
  }
}

const NO_TIMER: Timer = { cancel: () => {} };
