/** Something that falls due. It stands in one heap at most, and only that heap writes `dueAt` and `heapIndex`. */
export interface DueItem {
  dueAt: number;
  /** Position in the heap; -1 outside. */
  heapIndex: number;
  /** Unique among the items of a heap: of two that fall due together, the lower goes first. */
  readonly order: number;
}

/**
 * The things that fall due, earliest first. Each item knows its position, so that moving or removing any of them costs log n and
 * leaves nothing behind: what was removed is free to be collected at once.
 */
export class DueHeap<T extends DueItem> {
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** The item that falls due first. */
  peek(): T | undefined {
    return this.#items[0];
  }

  /** Adds the item, or moves it if it is here already. */
  set(item: T, dueAt: number): void {
    item.dueAt = dueAt;
    if (item.heapIndex === -1) {
      item.heapIndex = this.#items.length;
      this.#items.push(item);
    }
    this.#settle(item);
  }

  /** Takes the item out; does nothing if it is not here. */
  remove(item: T): void {
    const index = item.heapIndex;
    if (index === -1) return;
    item.heapIndex = -1;
    const last = this.#items.pop();
    if (last === undefined || last === item) return;
    this.#place(last, index);
    this.#settle(last);
  }

  #settle(item: T): void {
    this.#rise(item);
    this.#sink(item);
  }

  #rise(item: T): void {
    while (item.heapIndex > 0) {
      const parentIndex = (item.heapIndex - 1) >> 1;
      const parent = this.#items[parentIndex];
      if (parent === undefined || !isBefore(item, parent)) return;
      this.#place(parent, item.heapIndex);
      this.#place(item, parentIndex);
    }
  }

  #sink(item: T): void {
    for (;;) {
      const leftIndex = 2 * item.heapIndex + 1;
      const left = this.#items[leftIndex];
      const right = this.#items[leftIndex + 1];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, item)) return;
      const childIndex = child.heapIndex;
      this.#place(child, item.heapIndex);
      this.#place(item, childIndex);
    }
  }

  #place(item: T, index: number): void {
    this.#items[index] = item;
    item.heapIndex = index;
  }
}

function isBefore(a: DueItem, b: DueItem): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order);
}
