import type { Emulator } from '../emulator/index.ts';

/** Follows what the Cloud Tasks emulator does, to know how much was dispatched and when nothing is left to do. */
export class TaskTally implements Disposable {
  readonly #stopObserving: () => void;
  readonly #idleWaiters: (() => void)[] = [];
  #open = 0;
  #dispatched = 0;
  #lastEventAt: number = performance.now();

  constructor(emulator: Emulator) {
    this.#stopObserving = emulator.observe((event) => {
      this.#lastEventAt = performance.now();
      if (event.kind === 'taskCreated') this.#open++;
      if (event.kind === 'attemptStarted') this.#dispatched++;
      if (event.kind === 'taskDeleted') this.#closed();
    });
  }

  /** Attempts, the repeated ones included. */
  get dispatched(): number {
    return this.#dispatched;
  }

  /** Tasks that are in a queue. */
  get open(): number {
    return this.#open;
  }

  /** Milliseconds since anything happened. */
  get quietMs(): number {
    return performance.now() - this.#lastEventAt;
  }

  /** Settles when no task is in any queue. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#open === 0) resolve();
      else this.#idleWaiters.push(resolve);
    });
  }

  [Symbol.dispose](): void {
    this.#stopObserving();
  }

  #closed(): void {
    this.#open--;
    if (this.#open > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
