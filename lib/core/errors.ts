/**
 * What went wrong, for programs. People read the message, which names the value at fault and what to write instead.
 *
 * - `invalid-definition`: a task was declared wrongly; thrown when the module loads.
 * - `invalid-parameters`: parameters do not fit the task's schema.
 * - `invalid-query`: the query of an iterative task cannot be walked in pages.
 * - `invalid-state`: a run is in no state for what is asked of it.
 * - `invalid-request`: an HTTP request or a delivery that no starter or queue of ours would send.
 * - `unauthenticated`: no token, or one that does not verify.
 * - `forbidden`: a good token of somebody who may not call this.
 * - `too-early`: a delivery is ahead of what can be seen yet; it must come again.
 * - `held`: another delivery has the turn of an exclusive task, or may have that of a run which is to stop; this one must come again.
 * - `too-large`: what a handler asks for is beyond what Firestore or Cloud Tasks take.
 * - `deadline-exceeded`: the handler did not end within its time.
 * - `misconfigured`: a setting is missing or wrong.
 * - `unavailable`: something that we depend on did not answer.
 */
export type ErrorCode =
  | 'invalid-definition'
  | 'invalid-parameters'
  | 'invalid-query'
  | 'invalid-state'
  | 'invalid-request'
  | 'unauthenticated'
  | 'forbidden'
  | 'too-early'
  | 'held'
  | 'too-large'
  | 'deadline-exceeded'
  | 'misconfigured'
  | 'unavailable';

/** Every error that Pageturner itself throws. */
export class PageturnerError extends Error {
  override readonly name = 'PageturnerError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The time of a handler was over before it was called, as after slow reads: it is not to blame. */
export class NotBegunError extends PageturnerError {
  constructor(limitMs: number) {
    super('deadline-exceeded', `The ${limitMs / 1000} s of the handler were over before it was called.`);
  }
}

/**
 * Thrown by a handler to end its task for good: the queue does not deliver it again, and the error is recorded (for a one-shot task
 * in the collection `pageturnerFailures`, for an iterative task in its run, which becomes `failed`). Any other error has the task
 * delivered again by the queue's retry policy.
 *
 * @example
 * throw new FatalTaskError(`${address} is refused for good`, { cause: error });
 */
export class FatalTaskError extends Error {
  override readonly name = 'FatalTaskError';
}

/** How an error is kept with a run. `at` is in milliseconds since 1970. */
export interface ErrorRecord {
  readonly message: string;
  readonly stack?: string;
  /** Path of the document at fault, where one is. */
  readonly document?: string;
  readonly at: number;
}

/** A stack longer than this says nothing more, and the record must fit beside the rest of its document. */
const maxRecordedLength = 4_000;

export function errorRecord(error: unknown, at: number, document?: string): ErrorRecord {
  const place = document === undefined ? {} : { document };
  if (!(error instanceof Error)) return { message: recordedText(() => error), ...place, at };
  const stack = recordedText(() => error.stack ?? '');
  return {
    message: recordedText(() => error.message),
    ...(stack === '' ? {} : { stack }),
    ...place,
    at,
  };
}

/** As text, whatever a handler throws or says: a failure that cannot be kept would never be counted. */
export function recordedText(give: () => unknown): string {
  try {
    // Half a character, as a text that was cut has it, is nothing that Firestore takes.
    return String(give()).slice(0, maxRecordedLength).toWellFormed();
  } catch {
    return 'something that cannot be told as text';
  }
}
