import type { Run, Shard } from '../../../lib/core/run.ts';
import type { Adversary } from '../adversary.ts';
import type { Walk } from '../walk.ts';
import type { Observer, Report } from './observer.ts';

interface Page {
  readonly at: number;
  readonly perSecond: number;
  readonly documents: number;
}

/**
 * A run takes effect no faster than its rate. The rate is kept between the beginnings of pages, and what is seen here are their ends: so
 * each shard may have two pages more than the rate allows, a late one and one behind it. A rate that changes meanwhile is taken for the
 * highest that it was. A worker whose clock is behind has each page wait as much less.
 */
export class Rates implements Observer {
  readonly #perSecond: (run: string) => number;
  readonly #clocksDifferBy: number;
  readonly #now: () => number;
  readonly #report: Report;
  readonly #pages = new Map<string, Page[]>();
  readonly #shards = new Map<string, Set<number>>();

  /**
   * @param perSecond documents that the shards of a run together may take; Infinity where nothing bounds it or nobody can say
   * @param clocksDifferBy how many milliseconds the clocks of workers and queue differ at most
   */
  constructor(perSecond: (run: string) => number, clocksDifferBy: number, now: () => number, report: Report) {
    this.#clocksDifferBy = clocksDifferBy;
    this.#perSecond = perSecond;
    this.#now = now;
    this.#report = report;
  }

  shardWritten(run: string, before: Shard | undefined, after: Shard): void {
    const shards = this.#shards.get(run) ?? new Set();
    this.#shards.set(run, shards.add(after.index));
    const setAside = Math.max(0, after.quarantined - (before?.quarantined ?? 0));
    const documents = after.processed - (before?.processed ?? 0) + setAside;
    const perSecond = this.#perSecond(run);
    if (documents <= 0 || perSecond === Infinity) return;
    const pages = this.#pages.get(run) ?? [];
    this.#pages.set(run, pages);
    pages.push({ at: this.#now(), documents, perSecond });
    const spare = 2 * Math.max(...pages.map((page) => page.documents)) * shards.size;
    let [sum, highest, earlier] = [0, 0, 0];
    for (const { at, documents: more, perSecond: rate } of pages.toReversed()) {
      sum += more;
      highest = Math.max(highest, rate);
      const ms = this.#now() - at;
      if (sum > (highest * (ms + earlier)) / 1_000 + spare + 1e-6)
        this.#report(`${sum} documents took effect in ${ms} ms, at ${highest} a second`);
      earlier += this.#clocksDifferBy;
    }
  }
}

/** Documents a second that a run of the walk may take, by its definition. */
export function mostPerSecond(
  { task, createdAt }: Pick<Run, 'task' | 'createdAt'>,
  walk: Walk,
  { strikesOf }: Adversary,
  now: number,
): number {
  if (task !== 'walk') return Infinity;
  // Somebody gave it another.
  const rate = strikesOf.has('throttle') ? Infinity : (walk.documentsPerSecond ?? Infinity);
  if (walk.rampWrites === undefined) return rate;
  // Half as much again every five minutes that it runs; the longest that it can have is since it was made.
  return Math.min(rate, (500 / walk.rampWrites) * 1.5 ** Math.floor((now - createdAt + 10_000) / 300_000));
}
