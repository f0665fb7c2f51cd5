import type { FrozenRun } from './core/page-request.ts';
import type { Run } from './core/run.ts';

/** A run's boundaries and parameters may have some 100 KB; few processes work on more runs than this at a time. */
const mostRuns = 200;

/**
 * What this process has seen of runs and does not change any more, so that a page can be asked for before its run is read again. It is
 * a guess and no more: what stands in the run's document decides whether the guess was right.
 */
export class KnownRuns {
  readonly #runs = new Map<string, FrozenRun>();

  get(id: string): FrozenRun | undefined {
    return this.#runs.get(id);
  }

  /** Keeps what a run has frozen; of too many, those that were read longest ago are forgotten. */
  remember({ id, params, boundaries }: Run): void {
    if (boundaries === undefined) return;
    this.#runs.delete(id);
    this.#runs.set(id, { params, boundaries });
    const [oldest] = this.#runs.keys();
    if (oldest !== undefined && this.#runs.size > mostRuns) this.#runs.delete(oldest);
  }
}
