import type { Run, Shard } from '../../../lib/core/run.ts';
import { keyOf, type Place } from '../place.ts';
import type { Observer, Report } from './observer.ts';

/** A page's commit that the database refuses because of what the user's code wrote. */
const refusals: ReadonlySet<unknown> = new Set([3, 5, 6]);

/** No run is blamed for more failures of its user's code than there were, and none fails before its budget is used up. */
export class Failures implements Observer {
  readonly #budget: number;
  readonly #report: Report;
  /** Failures that were seen to happen since the last page that took effect, by shard. */
  readonly #seen = new Map<string, number>();

  /** @param budget with how many failures at least a run ends, unless one is fatal. */
  constructor(budget: number, report: Report) {
    this.#budget = budget;
    this.#report = report;
  }

  /** The user's code has thrown there. */
  happened(place: Pick<Place, 'run' | 'shard'>, isFatal = false): void {
    this.#seen.set(keyOf(place), isFatal ? Infinity : this.#seenAt(place) + 1);
  }

  pageRefused(run: string, shard: number, code: unknown): void {
    if (refusals.has(code)) this.happened({ run, shard });
  }

  shardWritten(run: string, before: Shard | undefined, after: Shard): void {
    const place = { run, shard: after.index };
    this.#mustBeSeen(place, after.failures);
    if (after.turn !== before?.turn) this.#seen.set(keyOf(place), after.failures);
  }

  runWritten(before: Run | undefined, after: Run): void {
    const place = { run: after.id, shard: 'none' } as const;
    this.#mustBeSeen(place, after.failures ?? 0);
    const keys = [...this.#seen.keys()].filter((key) => key.startsWith(`${after.id}/`));
    const most = Math.max(0, ...keys.map((key) => this.#seen.get(key) ?? 0));
    // What was thrown before the run was cut off from what it did can not be counted any more.
    if (after.epoch !== before?.epoch || after.state !== before.state)
      this.#seen.set(keyOf(place), after.failures ?? 0);
    if (before?.state === 'failed') {
      if (after.state !== 'failed') for (const key of keys) this.#seen.delete(key);
      return;
    }
    // A worker of another version ends a run without any failure.
    if (after.state !== 'failed' || after.error?.message.startsWith('The worker has version') === true)
      return;
    if (most < this.#budget)
      this.#report(`a run failed with ${most} failures of a budget of ${this.#budget}`);
  }

  #mustBeSeen(place: Pick<Place, 'run' | 'shard'>, counted: number): void {
    const seen = this.#seenAt(place);
    if (counted > seen) this.#report(`${counted} failures were counted, and ${seen} had happened`);
  }

  #seenAt(place: Pick<Place, 'run' | 'shard'>): number {
    return this.#seen.get(keyOf(place)) ?? 0;
  }
}
