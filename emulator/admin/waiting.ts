import { ApiError } from '../core/errors.ts';

export interface WaitOptions {
  /** Longest wait, in ms of real time. */
  readonly timeoutMs?: number | undefined;
  /** What the error says when the time is over. */
  readonly complaint: () => string;
}

/** Waits for conditions, looked at anew after each change: once for all the changes that come together. */
export class Waiting {
  readonly #checks = new Set<() => void>();
  readonly #failures = new Set<(error: ApiError) => void>();
  #isCheckSet = false;
  #isClosed = false;

  /** To be called after anything that a condition may look at has changed. */
  readonly changed = (): void => {
    if (this.#isCheckSet || this.#checks.size === 0) return;
    this.#isCheckSet = true;
    // What changes together is told piece by piece; only then are the pieces of one mind.
    setImmediate(() => {
      this.#isCheckSet = false;
      for (const check of this.#checks) check();
    });
  };

  /**
   * Resolves when the condition holds.
   *
   * @throws ApiError DEADLINE_EXCEEDED when the time is over, UNAVAILABLE when the emulator is closed
   */
  async until(isMet: () => boolean, { timeoutMs, complaint }: WaitOptions): Promise<void> {
    if (isMet()) return;
    if (this.#isClosed) throw closed();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const check = (): void => {
      if (isMet()) resolve();
    };
    this.#checks.add(check);
    this.#failures.add(reject);
    const timeout =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => reject(new ApiError('DEADLINE_EXCEEDED', complaint())), timeoutMs);
    try {
      await promise;
    } finally {
      clearTimeout(timeout);
      this.#checks.delete(check);
      this.#failures.delete(reject);
    }
  }

  /** Ends every wait. */
  close(): void {
    this.#isClosed = true;
    for (const fail of this.#failures) fail(closed());
  }
}

function closed(): ApiError {
  return new ApiError('UNAVAILABLE', 'The emulator was closed.');
}
