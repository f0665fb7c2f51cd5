import { StoreFault } from '../store/store.ts';
import { waitUntil } from './clock.ts';
import type { Clock } from './clock.ts';
import type { EngineListener } from './events.ts';

/** How long a store that could not be written is left alone. */
const REST_MS = 1000;

/** Watches over the loop's own writes: where the store cannot be written, work is left as it is, to be done again a little later. */
export class StoreWatch {
  readonly #clock: Clock;
  readonly #emit: EngineListener;
  #restsUntil: number | undefined;

  constructor(clock: Clock, emit: EngineListener) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** Until when the store is left alone; undefined while it can be written, as far as is known. */
  get restsUntil(): number | undefined {
    return this.#restsUntil;
  }

  /** Does work that writes. Returns whether all of it was done. */
  try(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!(error instanceof StoreFault)) throw error;
      const now = this.#clock.now();
      const isNew = this.#restsUntil === undefined;
      this.#restsUntil = now + REST_MS;
      if (isNew) this.#emit({ kind: 'storeFailed', at: now, message: error.message });
      return false;
    }
  }

  /** Does work that writes, again and again until all of it is done or the signal is aborted. */
  async tryUntilDone(work: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.try(work)) {
      await waitUntil(this.#clock, this.#clock.now() + REST_MS, signal);
    }
  }

  /** To be called after each write. */
  written(): void {
    if (this.#restsUntil === undefined) return;
    this.#restsUntil = undefined;
    this.#emit({ kind: 'storeRecovered', at: this.#clock.now() });
  }
}
