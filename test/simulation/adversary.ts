import type { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import { Chance } from './chance.ts';
import { sleep } from './engine-queue.ts';
import type { Meddling } from './meddlers.ts';

/** How likely each harm is at each chance for it, 0 to 1. */
export interface Rates {
  /** A process dies at a step of its work: before or after a call, or in a handler. */
  readonly crash: number;
  /** The same where a run is prepared, and its boundaries are searched for. */
  readonly crashInPreparation: number;
  /** A call fails, before or after it took effect. */
  readonly failure: number;
  /** A step takes seconds. */
  readonly delay: number;
  /** A step of the search for boundaries takes seconds. */
  readonly longStep: number;
  /** A read gives a shard as it was before its last commit. */
  readonly staleRead: number;
  /** Somebody has changed by hand where a delivery says that its page starts. */
  readonly forgedCursor: number;
  readonly duplicateDelivery: number;
  /** Somebody pauses a run whose page is under way, and the page is delivered once more. */
  readonly pauseUnderWay: number;
  readonly lostDelivery: number;
  readonly lostResponse: number;
  /** The queue gives an attempt up while the worker goes on with it. */
  readonly timeout: number;
  /** A page is told to wait by its task. */
  readonly wait: number;
  /** Another document stands where one has failed, before that is tried again. */
  readonly reaction: number;
}

/** What the documents, the people who start and the database bring about. */
type Event =
  | 'userFailure'
  | 'callbackFailure'
  | 'childFailure'
  | 'childWait'
  | 'childLoss'
  | 'slowDocument'
  | 'deadlyDocument'
  | 'timeUp'
  | 'keyChange'
  | 'lateStart'
  | 'lateChild'
  | 'wrongClock'
  | 'quarantine'
  | 'tooLargeCommit'
  | 'boundaryChange'
  | 'rivalStart'
  | 'abandonedStart'
  | 'retryAtTheEnd'
  | 'deployment'
  | 'misfit'
  | 'repetition'
  | 'dryStart'
  | 'stopRepeating';

export type Harm = keyof Rates | Meddling | Event;

/** After this the adversary rests, so that all that can end does end. */
const activeMs = 60_000;

/** Decides, from its seed alone, what goes wrong and when. Some of its histories are calm, some bring one kind of harm, some all. */
export class Adversary {
  readonly chance: Chance;
  readonly rates: Rates;
  /** By how many milliseconds the clocks of two processes differ at most. The queue's is between them. */
  readonly clocksDifferBy: number;
  /** How often each harm was done. */
  readonly strikesOf: Map<Harm, number> = new Map();
  readonly #clock: VirtualClock;
  readonly #restsAt: number;

  constructor(seed: number, clock: VirtualClock) {
    this.chance = new Chance(seed);
    this.#clock = clock;
    this.#restsAt = clock.now() + activeMs;
    const rate = (most: number): number =>
      this.chance.happens(0.4) ? 0 : (most * this.chance.between(1, 10)) / 10;
    this.rates = {
      crash: rate(0.05),
      crashInPreparation: rate(0.15),
      failure: rate(0.08),
      delay: rate(0.2),
      longStep: rate(0.6),
      staleRead: rate(0.5),
      forgedCursor: rate(0.2),
      duplicateDelivery: rate(0.3),
      pauseUnderWay: rate(0.05),
      lostDelivery: rate(0.2),
      lostResponse: rate(0.3),
      timeout: rate(0.15),
      wait: rate(0.3),
      reaction: this.chance.pick([0, 0.5, 1]),
    };
    this.clocksDifferBy = this.chance.pick([0, 0, 1_000, 4_000, 10_000]);
  }

  strikes(harm: keyof Rates): boolean {
    if (this.#clock.now() >= this.#restsAt || !this.chance.happens(this.rates[harm])) return false;
    this.struck(harm);
    return true;
  }

  /** How far the clock of a new process is ahead of the queue's. */
  drawClockError(): number {
    const most = this.clocksDifferBy / 2;
    if (most > 0) this.struck('wrongClock');
    return this.chance.between(-most, most);
  }

  /** Counts a harm that was done. */
  struck(harm: Harm): void {
    this.strikesOf.set(harm, (this.strikesOf.get(harm) ?? 0) + 1);
  }

  /** A while, mostly short; now and then long enough for a delivery to be given up and made again meanwhile. */
  async dawdle(): Promise<void> {
    const ms = this.chance.happens(0.1)
      ? this.chance.between(10_000, 100_000)
      : this.chance.between(1, 3_000);
    await sleep(this.#clock, ms);
  }
}
