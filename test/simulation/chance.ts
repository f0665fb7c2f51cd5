import { SeededRandom } from '../../emulator/engine/random.ts';

/** Decisions that repeat: the same seed decides the same. */
export class Chance {
  readonly #random: SeededRandom;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** @param probability 0 to 1. */
  happens(probability: number): boolean {
    return this.#random.next() < probability;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.#random.next() * (high - low + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }
}
