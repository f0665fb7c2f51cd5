export interface CreatedItem {
  /** Rises from each item to the next. */
  readonly order: number;
  readonly isGone: boolean;
}

const MIN_GONE = 64;

/** Items in order of creation. Those that are gone stay in place until they are the half of all, so that a page costs log n to find. */
export class CreationList<T extends CreatedItem> {
  #items: T[] = [];
  #goneCount = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  /** Says that one more item is gone. */
  noteGone(): void {
    this.#goneCount += 1;
    if (this.#goneCount < MIN_GONE || this.#goneCount * 2 < this.#items.length) return;
    this.#items = this.#items.filter((item) => !item.isGone);
    this.#goneCount = 0;
  }

  /** Up to `limit` items, from the first whose `order` is not below `start`. */
  from(start: number, limit: number): T[] {
    const found: T[] = [];
    for (let i = this.#indexOf(start); i < this.#items.length && found.length < limit; i += 1) {
      const item = this.#items[i];
      if (item !== undefined && !item.isGone) found.push(item);
    }
    return found;
  }

  #indexOf(start: number): number {
    let low = 0;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#items[middle]?.order ?? 0) < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
