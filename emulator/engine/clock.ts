/** A timer that has been set. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Where the engine reads time and sets its one timer. */
export interface Clock {
  /** Milliseconds since 1970; may carry a fraction. */
  now(): number;
  /**
   * Calls `fire` once, never before this call returns, when `at` has come. A clock that can be set back may call it early; whoever
   * set the timer looks at the time again.
   */
  at(at: number, fire: () => void): Timer;
}

/** Resolves at that instant, or as soon as the signal is aborted. */
export async function waitUntil(clock: Clock, at: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.at(at, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
