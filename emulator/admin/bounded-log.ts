interface Entry<T> {
  readonly value: T;
  bytes: number;
}

export interface BoundedLogOptions<T> {
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly onDropped?: (value: T) => void;
}

/** The newest of what it is given, oldest first: it drops the oldest when there are too many, or when they are too large together. */
export class BoundedLog<T> {
  readonly #options: BoundedLogOptions<T>;
  /** A map keeps the order, and lets any entry go at once. */
  readonly #entries = new Map<T, Entry<T>>();
  #bytes = 0;

  constructor(options: BoundedLogOptions<T>) {
    this.#options = options;
  }

  /** Adds a value, or adds to the size of one that is there. */
  add(value: T, bytes: number): void {
    const entry = this.#entries.get(value);
    if (entry === undefined) this.#entries.set(value, { value, bytes });
    else entry.bytes += bytes;
    this.#bytes += bytes;
    for (const [oldest] of this.#entries) {
      if (this.#entries.size <= this.#options.maxEntries && this.#bytes <= this.#options.maxBytes) return;
      this.remove(oldest);
      this.#options.onDropped?.(oldest);
    }
  }

  remove(value: T): void {
    this.#bytes -= this.#entries.get(value)?.bytes ?? 0;
    this.#entries.delete(value);
  }

  values(): IteratorObject<T> {
    return this.#entries.keys();
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }
}
