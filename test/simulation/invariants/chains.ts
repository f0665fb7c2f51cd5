import type { Shard } from '../../../lib/core/run.ts';
import type { Observer, Report } from './observer.ts';

/** A chain goes forwards only, one turn at a time. */
export class Chains implements Observer {
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  shardWritten(_run: string, before: Shard | undefined, after: Shard): void {
    if (before === undefined) return;
    const turns = after.turn - before.turn;
    if (turns !== 0 && turns !== 1) this.#report(`a shard went from turn ${before.turn} to ${after.turn}`);
    for (const count of ['epoch', 'processed', 'pages', 'started'] as const) {
      if (after[count] < before[count])
        this.#report(`${count} of a shard went from ${before[count]} to ${after[count]}`);
    }
  }
}
