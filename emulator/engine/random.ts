/** Where the engine draws chance from. */
export interface Random {
  /** A number in [0, 1), uniform, with 32 random bits. */
  next(): number;
}

const RANGE = 2 ** 32;

/** Chance that repeats: the same seed gives the same numbers (mulberry32). */
export class SeededRandom implements Random {
  readonly #seed: number;
  #state: number;

  /** @param seed Any integer; its low 32 bits count. */
  constructor(seed: number) {
    this.#seed = seed >>> 0;
    this.#state = this.#seed;
  }

  /** Where it stands: what is drawn after `goOnFrom(state)` is what would be drawn now. */
  get state(): number {
    return this.#state;
  }

  goOnFrom(state: number): void {
    this.#state = state >>> 0;
  }

  /** Begins again with the first number. */
  restart(): void {
    this.#state = this.#seed;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / RANGE;
  }
}

/** As many decimal digits as asked for, leading zeros included. */
export function randomDigits(random: Random, count: number): string {
  return Array.from({ length: count }, () => Math.floor(random.next() * 10)).join('');
}
