import type { Run } from '../../../lib/core/run.ts';
import { hasEnded } from '../../../lib/core/run-state.ts';
import type { Observer, Report } from './observer.ts';

/** Of the runs with the same key one at most has not ended. */
export class Keys implements Observer {
  readonly #report: Report;
  readonly #holders = new Map<string, string>();

  constructor(report: Report) {
    this.#report = report;
  }

  runWritten(_before: Run | undefined, { id, key, state }: Run): void {
    if (key === undefined) return;
    const holder = this.#holders.get(key);
    if (holder !== undefined && holder !== id && !hasEnded(state)) {
      this.#report(`runs ${holder} and ${id} have the same key at the same time`);
    }
    if (!hasEnded(state)) this.#holders.set(key, id);
    else if (holder === id) this.#holders.delete(key);
  }
}
