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
