import { ApiError } from '../core/errors.ts';
import { invalidArgument } from '../core/faults.ts';
import type { Engine } from '../engine/engine.ts';
import type { EngineEvent } from '../engine/events.ts';
import type { SeededRandom } from '../engine/random.ts';
import type { ActivityLog } from './activity-log.ts';
import type { AttemptFilter, AttemptLog, AttemptRecord, Delivery } from './attempt-log.ts';
import { complaintText } from './complaint.ts';
import type { EmulatorTime } from './emulator-time.ts';
import type { FaultInjector } from './fault-injector.ts';
import type { Graveyard } from './graveyard.ts';
import { readSnapshot, takeSnapshot } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';
import { Waiting } from './waiting.ts';

export interface AdminOptions {
  readonly engine: Engine;
  readonly clock: EmulatorTime;
  readonly faults: FaultInjector;
  readonly attempts: AttemptLog;
  readonly graveyard: Graveyard;
  readonly activity: ActivityLog;
  /** What ids are made from. */
  readonly random: SeededRandom;
  /** Makes what is there at the start, once everything is gone. */
  readonly begin: () => void;
  /** What is there at the start in place of that, if anything is. */
  readonly snapshot?: Snapshot | undefined;
}

export interface TimeLimit {
  /** Longest wait, in ms of real time. */
  readonly timeoutMs?: number | undefined;
}

/** A century: no task lives so long, and a date can still say it. */
export const MAX_ADVANCE_MS: number = 3_155_760_000_000;

/** Shorter than the 5 s that test runners commonly give a test, so that its message is what one gets to see. */
const DELIVERIES_TIMEOUT_MS = 4000;

/**
 * What tests want of a running emulator. Each wait ends with an `ApiError` DEADLINE_EXCEEDED that says how things stand, and on a
 * clock that stands runs it on, as far as it needs: what would come with time, comes.
 */
export class Admin implements Disposable {
  readonly faults: FaultInjector;
  readonly graveyard: Graveyard;
  readonly activity: ActivityLog;
  readonly #engine: Engine;
  readonly #clock: EmulatorTime;
  readonly #attempts: AttemptLog;
  readonly #random: SeededRandom;
  readonly #begin: () => void;
  readonly #snapshot: Snapshot | undefined;
  readonly #waiting = new Waiting();
  #attemptsOut = 0;
  #changes = 0;

  constructor(options: AdminOptions) {
    const { engine, clock, faults, attempts, graveyard, activity, random, begin, snapshot } = options;
    this.faults = faults;
    this.graveyard = graveyard;
    this.activity = activity;
    this.#engine = engine;
    this.#clock = clock;
    this.#attempts = attempts;
    this.#random = random;
    this.#begin = begin;
    this.#snapshot = snapshot;
    engine.observe(attempts.listener);
    engine.observe(graveyard.listener);
    engine.observe(activity.listener);
    engine.observe((event) => this.#note(event));
  }

  /** Whether time stands until it is moved. */
  get isFrozen(): boolean {
    return this.#clock.isFrozen;
  }

  /** Lets time stand from now on, until `advance`, `runNext` or a wait moves it. Does nothing if it stands. */
  freeze(): void {
    this.#clock.freeze();
    this.#timeChanged();
  }

  /**
   * Lets time pass again, from where it stands: what was advanced it stays ahead of the machine's time, for it never goes back. Resolves once
   * the movements that were asked for are over. Does nothing if it passes.
   */
  async resume(): Promise<void> {
    await this.#clock.resume();
    this.#timeChanged();
  }

  /** Ms since 1970. */
  now(): number {
    return this.#clock.now();
  }

  /** When the next waiting task of a queue that dispatches falls due, in ms since 1970; undefined if there is none. */
  nextDueAt(): number | undefined {
    return this.#engine.nextDueAt('dispatching');
  }

  attempts(filter?: AttemptFilter): readonly AttemptRecord[] {
    return this.#attempts.attempts(filter);
  }

  deliveries(filter?: AttemptFilter): readonly Delivery[] {
    return this.#attempts.deliveries(filter);
  }

  async waitForDeliveries(
    filter: AttemptFilter,
    count: number,
    { timeoutMs = DELIVERIES_TIMEOUT_MS }: TimeLimit = {},
  ): Promise<readonly Delivery[]> {
    const found = (): readonly Delivery[] => this.deliveries(filter);
    await this.#until(
      () => found().length >= count,
      timeoutMs,
      () => {
        const wanted = `for ${count} deliveries of ${JSON.stringify(filter)}`;
        return complaintText({ ...this.#state(), wanted, timeoutMs, deliveries: found() });
      },
    );
    return found();
  }

  /** Until no queue holds a task and no attempt is out. */
  async idle({ timeoutMs }: TimeLimit = {}): Promise<void> {
    await this.#until(
      () => this.#isEmpty(),
      timeoutMs,
      () => complaintText({ ...this.#state(), wanted: 'until no task is left', timeoutMs }),
    );
  }

  /**
   * Until no attempt is out and none may start: what is left waits for its time, or in a paused queue. It never moves a clock that
   * stands; an attempt that is out until that moves does not keep it waiting.
   */
  async settled({ timeoutMs }: TimeLimit = {}): Promise<void> {
    for (;;) {
      if (this.#clock.isFrozen) return await this.#clock.quiet();
      const isSettled = (): boolean =>
        this.#attemptsOut === 0 && !((this.nextDueAt() ?? Number.POSITIVE_INFINITY) <= this.now());
      await this.#waiting.until(() => this.#clock.isFrozen || isSettled(), {
        timeoutMs,
        complaint: () =>
          complaintText({ ...this.#state(), wanted: 'until no task is due or out', timeoutMs }),
      });
      if (!this.#clock.isFrozen) return;
    }
  }

  /**
   * Moves on by so many ms, stopping wherever something is due. Resolves when no call is out any more.
   *
   * @throws ApiError FAILED_PRECONDITION while time passes, INVALID_ARGUMENT for what is no time to move on by
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0 && ms <= MAX_ADVANCE_MS)) {
      throw invalidArgument(`The clock cannot move on by ${ms} ms: write 0 to ${MAX_ADVANCE_MS}.`);
    }
    await this.#frozenClock().advance(ms);
  }

  /**
   * Moves to the next instant at which an attempt begins or ends, and lets it. Resolves to false, without moving, when no time that may
   * pass brings one: no task is left, or only in queues that are paused or pulled from.
   *
   * @throws ApiError FAILED_PRECONDITION while time passes
   */
  async runNext(): Promise<boolean> {
    const time = this.#frozenClock();
    await time.quiet();
    const before = this.#changes;
    while (this.#changes === before) {
      if (!this.#isGoingOn() || !(await time.runNext())) return false;
    }
    return true;
  }

  /**
   * Begins again: the queues of the start as they were, and no task, name, fault, attempt or dead task. Attempts that are out are cut off;
   * the clock is as it was at first (a virtual one stands where it began, the system's passes), and chance repeats.
   */
  async reset(): Promise<void> {
    this.faults.clear();
    await this.#engine.reset();
    await this.#clock.quiet();
    this.#clock.restart();
    this.#forgetHistory();
    await this.begin();
    this.#waiting.changed();
  }

  /** Makes what is there at the start. */
  async begin(): Promise<void> {
    this.#begin();
    if (this.#snapshot !== undefined) await this.restore(this.#snapshot);
  }

  /** Everything that is there, in one moment. */
  snapshot(): Snapshot {
    return takeSnapshot({
      state: this.#engine.state(),
      isFrozen: this.isFrozen,
      chance: this.#random.state,
    });
  }

  /**
   * Puts a snapshot in the place of all that is there, history included, in one step; fault rules stay. Attempts that are out are cut off, and
   * those that were out when it was taken start again. A clock that stands, or stood then, stands at the time of the snapshot.
   *
   * @throws ApiError INVALID_ARGUMENT for what is no snapshot of this version; nothing is changed then
   */
  async restore(snapshot: unknown): Promise<void> {
    const { state, isFrozen, chance } = readSnapshot(snapshot);
    await this.#clock.afterMoves(() =>
      this.#engine.restore(state, () => {
        if (isFrozen || this.isFrozen) this.#clock.freezeAt(state.now);
        this.#random.goOnFrom(chance);
      }),
    );
  }

  /** Ends every wait, with an error. */
  [Symbol.dispose](): void {
    this.#waiting.close();
  }

  #forgetHistory(): void {
    this.#attemptsOut = 0;
    this.#attempts.clear();
    this.graveyard.clear();
    this.activity.clear();
  }

  #note({ kind }: EngineEvent): void {
    if (kind === 'restored') this.#forgetHistory();
    if (kind === 'attemptStarted') this.#attemptsOut += 1;
    if (kind === 'attemptEnded') this.#attemptsOut -= 1;
    this.#changes += 1;
    this.#waiting.changed();
  }

  async #until(isMet: () => boolean, timeoutMs: number | undefined, complaint: () => string): Promise<void> {
    const endsAt = performance.now() + (timeoutMs ?? Number.POSITIVE_INFINITY);
    for (;;) {
      if (this.#clock.isFrozen) await this.#clock.quiet();
      if (isMet()) return;
      const left = timeoutMs === undefined ? undefined : endsAt - performance.now();
      if (left !== undefined && left <= 0) throw new ApiError('DEADLINE_EXCEEDED', complaint());
      const before = this.#changes;
      if (this.#clock.isFrozen && this.#isGoingOn() && (await this.#clock.runNext())) continue;
      await this.#waiting.until(() => this.#changes !== before, { timeoutMs: left, complaint });
    }
  }

  #isEmpty(): boolean {
    return this.#attemptsOut === 0 && this.#engine.nextDueAt('all') === undefined;
  }

  /** Whether time alone brings the next attempt's beginning or end. */
  #isGoingOn(): boolean {
    return this.#attemptsOut > 0 || this.nextDueAt() !== undefined;
  }

  #frozenClock(): EmulatorTime {
    if (this.#clock.isFrozen) return this.#clock;
    throw new ApiError(
      'FAILED_PRECONDITION',
      'Time passes by itself. Freeze the clock before you move it (`clock.freeze()`, POST /emulator/v1/clock:freeze), or start the emulator with `clock: "virtual"`, `--clock virtual`.',
    );
  }

  #timeChanged(): void {
    this.#changes += 1;
    this.#waiting.changed();
  }

  #state(): { now: number; attemptsOut: number; nextDueAt: number | undefined; isHeldOnly: boolean } {
    const nextDueAt = this.nextDueAt();
    return {
      now: this.now(),
      attemptsOut: this.#attemptsOut,
      nextDueAt,
      isHeldOnly: nextDueAt === undefined && this.#engine.nextDueAt('all') !== undefined,
    };
  }
}
