import type { Shard } from '../../../lib/core/run.ts';
import { keyOf, type Place } from '../place.ts';
import type { Observer, Report } from './observer.ts';

/** A handler of an exclusive task at its work. */
interface Work {
  readonly place: Place;
  readonly token: number;
  readonly signal: AbortSignal;
}

/**
 * A shard of an exclusive task is one delivery's at a time, while its lease holds; and with a service outside that refuses a lower
 * token than it has seen, what an older delivery does never lands behind what a newer one did.
 */
export class Leases implements Observer {
  readonly #now: () => number;
  readonly #clocksDifferBy: number;
  readonly #spareMs: number;
  readonly #report: Report;
  readonly #atWork = new Map<string, Set<Work>>();
  /** The highest token that the service outside has seen, by shard, and the delivery that it was given to. */
  readonly #seen = new Map<string, { readonly token: number; readonly place: Place }>();
  /** Tokens that it refused. */
  readonly #refused = new Set<string>();

  /**
   * @param clocksDifferBy how many milliseconds the clocks of workers differ at most
   * @param spareMs by how many they may, so that one delivery at a time is at work
   */
  constructor(now: () => number, clocksDifferBy: number, spareMs: number, report: Report) {
    this.#clocksDifferBy = clocksDifferBy;
    this.#spareMs = spareMs;
    this.#now = now;
    this.#report = report;
  }

  /** Whether clocks differ by no more than they may; where they do, the token alone keeps deliveries apart. */
  get keepsApart(): boolean {
    return this.#clocksDifferBy <= this.#spareMs;
  }

  /** A delivery's work begins. It ends when what is returned is called, when its time is over, or with its process. */
  begin(place: Place, token: number, signal: AbortSignal): () => void {
    const works = this.#atWork.get(keyOf(place)) ?? new Set();
    this.#atWork.set(keyOf(place), works);
    const others = [...works].filter((other) => !other.place.process.isDead && !other.signal.aborted);
    for (const other of this.keepsApart ? others : []) {
      this.#report(
        `deliveries with tokens ${other.token} and ${token} are at work on a shard at the same time`,
      );
    }
    const work = { place, token, signal };
    works.add(work);
    return () => works.delete(work);
  }

  /** An effect on the service outside. False: refused. */
  lands(place: Place, token: number): boolean {
    const seen = this.#seen.get(keyOf(place));
    if (seen !== undefined && token < seen.token) {
      this.#refused.add(`${keyOf(place)}/${token}`);
      return false;
    }
    if (seen?.token === token && seen.place !== place) this.#report(`two deliveries have token ${token}`);
    this.#seen.set(keyOf(place), { token, place });
    return true;
  }

  shardWritten(run: string, before: Shard | undefined, after: Shard): void {
    const { fencingToken: held = 0, heldUntil = 0 } = before ?? {};
    const { fencingToken: token = 0 } = after;
    if (token !== held) {
      if (token !== held + 1) this.#report(`the token of a shard went from ${held} to ${token}`);
      if (heldUntil > this.#now() + this.#clocksDifferBy)
        this.#report(`a lease was taken that another delivery holds for ${heldUntil - this.#now()} ms more`);
    }
    if (after.turn !== before?.turn && this.#refused.has(`${run}/${after.index}/${held}`))
      this.#report(`a page took effect whose token ${held} was refused`);
  }
}
