const SECONDS = 60;

/** How many events fell into the last minute, to the second. Its size does not depend on how many there were. */
export class LastMinute {
  /** The second that each slot counts for, and its count; made with the first event. */
  #slots: readonly { second: number; count: number }[] = [];

  add(now: number): void {
    if (this.#slots.length === 0) {
      this.#slots = Array.from({ length: SECONDS }, () => ({ second: Number.NEGATIVE_INFINITY, count: 0 }));
    }
    const second = secondOf(now);
    const slot = this.#slots[((second % SECONDS) + SECONDS) % SECONDS]!;
    if (slot.second !== second) Object.assign(slot, { second, count: 0 });
    slot.count += 1;
  }

  /** @param seconds of so many seconds, the one that goes on included, rather than the whole minute */
  count(now: number, seconds: number = SECONDS): number {
    const newest = secondOf(now);
    return this.#slots
      .filter(({ second }) => second > newest - seconds && second <= newest)
      .reduce((sum, { count }) => sum + count, 0);
  }
}

function secondOf(at: number): number {
  return Math.floor(at / 1000);
}
