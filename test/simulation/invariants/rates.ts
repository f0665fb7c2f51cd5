import type { Shard } from '../../../lib/core/run.ts';
import type { Observer, Report } from './observer.ts';

interface Page {
  readonly at: number;
  readonly documents: number;
}

/**
 * A run takes effect no faster than its rate. The rate is kept between the beginnings of pages, and what is seen here are their ends: so
 * each shard may have two pages more than the rate allows, a late one and one behind it.
 */
export class Rates implements Observer {
  readonly #perSecond: (run: string) => number | undefined;
  readonly #now: () => number;
  readonly #report: Report;
  readonly #pages = new Map<string, Page[]>();
  readonly #shards = new Map<string, Set<number>>();

  /** @param perSecond documents that the shards of a run together may take; undefined where nobody can say */
  constructor(perSecond: (run: string) => number | undefined, now: () => number, report: Report) {
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
    if (documents <= 0 || perSecond === undefined) return;
    const pages = this.#pages.get(run) ?? [];
    this.#pages.set(run, pages);
    pages.push({ at: this.#now(), documents });
    const spare = 2 * Math.max(...pages.map((page) => page.documents)) * shards.size;
    let sum = 0;
    for (const { at, documents: more } of pages.toReversed()) {
      sum += more;
      const ms = this.#now() - at;
      if (sum > (perSecond * ms) / 1_000 + spare + 1e-6)
        this.#report(`${sum} documents took effect in ${ms} ms, at ${perSecond} a second`);
    }
  }
}
