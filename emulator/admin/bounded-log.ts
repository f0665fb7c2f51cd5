interface Entry<T> {
  readonly value: T;
  bytes: number;
  isGone: boolean;
}

export interface BoundedLogOptions<T> {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly onDropped?: (value: T) => void;
}

/** So many places of what is gone are kept, and as many again as there are values, before the queue is swept. */
const MAX_EMPTY_PLACES = 1024;

/**
 * The newest of what it is given, oldest first: it drops the oldest when there are too many, or when they are too large together. One
 * that is too large by itself is dropped at once.
 */
export class BoundedLog<T> {
  readonly #options: BoundedLogOptions<T>;
  readonly #entries = new Map<T, Entry<T>>();
  /** Oldest first, from `#first` on. Looking for the first key of a map would pass over all that was deleted before it. */
  #queue: Entry<T>[] = [];
  #first = 0;
  #bytes = 0;

  constructor(options: BoundedLogOptions<T>) {
    this.#options = options;
  }

  /** Adds a value, or adds to the size of one that is there. One that was dropped comes in anew. */
  add(value: T, bytes: number): void {
    let entry = this.#entries.get(value);
    if (entry === undefined) {
      entry = { value, bytes: 0, isGone: false };
      this.#entries.set(value, entry);
      this.#queue.push(entry);
    }
    entry.bytes += bytes;
    this.#bytes += bytes;
    while (this.#entries.size > this.#options.maxEntries || this.#bytes > this.#options.maxBytes)
      this.#dropOldest();
    if (this.#queue.length > this.#entries.size * 2 + MAX_EMPTY_PLACES) {
      this.#queue = this.#queue.filter(({ isGone }) => !isGone);
      this.#first = 0;
    }
  }

  remove(value: T): void {
    const entry = this.#entries.get(value);
    if (entry === undefined) return;
    entry.isGone = true;
    this.#bytes -= entry.bytes;
    this.#entries.delete(value);
  }

  values(): IteratorObject<T> {
    return this.#entries.keys();
  }

  clear(): void {
    this.#entries.clear();
    this.#queue = [];
    this.#first = 0;
    this.#bytes = 0;
  }

  #dropOldest(): void {
    const entry = this.#queue[this.#first];
    if (entry === undefined) return;
    this.#first += 1;
    if (entry.isGone) return;
    this.remove(entry.value);
    this.#options.onDropped?.(entry.value);
  }
}
