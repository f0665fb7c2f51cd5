import type { HeldName, NameRelease } from './store.ts';

interface Generation {
  /** Name to the instant from which it is free. */
  readonly freeAt: Map<string, number>;
  /** When the last of them is free. */
  allFreeAt: number;
}

/**
 * Names that nobody may use for a while after what they named is gone. They are kept in two generations; when the whole older one is
 * free it is dropped at one stroke, so that holding a name costs the same however many are held.
 */
export class HeldNames {
  #older = newGeneration();
  #younger = newGeneration();

  hold(name: string, { at, nameFreeAt }: NameRelease): void {
    if (at >= this.#older.allFreeAt) {
      this.#older = this.#younger;
      this.#younger = newGeneration();
    }
    this.#older.freeAt.delete(name);
    this.#younger.freeAt.delete(name);
    if (nameFreeAt <= at) return;
    this.#younger.freeAt.set(name, nameFreeAt);
    this.#younger.allFreeAt = Math.max(this.#younger.allFreeAt, nameFreeAt);
  }

  has(name: string, now: number): boolean {
    const freeAt = this.#younger.freeAt.get(name) ?? this.#older.freeAt.get(name);
    return freeAt !== undefined && freeAt > now;
  }

  /** Those that are held at `now`. */
  list(now: number): HeldName[] {
    return [...this.#older.freeAt, ...this.#younger.freeAt]
      .filter(([, freeAt]) => freeAt > now)
      .map(([name, freeAt]) => ({ name, freeAt }));
  }
}

function newGeneration(): Generation {
  return { freeAt: new Map(), allFreeAt: Number.NEGATIVE_INFINITY };
}
