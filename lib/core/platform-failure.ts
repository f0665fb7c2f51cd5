import { PageturnerError, type ErrorCode } from './errors.ts';

const ownCodes: readonly ErrorCode[] = ['deadline-exceeded', 'too-early', 'held', 'unavailable'];

/** The codes of gRPC by which Google's services say that they, or the way to them, are at fault. */
const serviceCodes: ReadonlySet<unknown> = new Set([
  1, // CANCELLED: a call that was cut off
  4, // DEADLINE_EXCEEDED
  8, // RESOURCE_EXHAUSTED
  10, // ABORTED: contention
  13, // INTERNAL
  14, // UNAVAILABLE
]);

/** Errors wrap errors; more than this is a cycle. */
const deepest = 8;

/**
 * Whether a failure is the platform's: time that ran out, a service that did not answer, a page that has to wait. Such failures are
 * tried again and never counted against the user's code, also when a handler let one through or threw it on as a `cause`.
 */
export function isPlatformFailure(error: unknown): boolean {
  let fault = error;
  for (let depth = 0; depth < deepest && fault instanceof Error; depth += 1) {
    if (fault instanceof PageturnerError) return ownCodes.includes(fault.code);
    if (isServiceError(fault) && serviceCodes.has(fault.code)) return true;
    fault = fault.cause;
  }
  return false;
}

/** Errors of Google's clients have the code as a number and the server's text beside it. Those of others may have numbers of their own. */
function isServiceError(error: Error): error is Error & { readonly code: number; readonly details: string } {
  return 'code' in error && typeof error.code === 'number' && 'details' in error;
}

/**
 * Whether Firestore refused a commit because of its size: the request is above 10 MiB, a document above 1 MiB, or the transaction too
 * big in another way. Fewer documents may pass. The codes do not tell, so the texts have to; seen are
 *
 * - `Transaction too big. Decrease transaction size.`
 * - `Request payload size exceeds the limit: 11534336 bytes.`
 * - `The value of property "outbox" is longer than 1048487 bytes.`
 * - `Document '…' cannot be written because its size (1,048,667 bytes) exceeds the maximum allowed size of 1,048,576 bytes.`
 * - `A document cannot be written because it exceeds the maximum size allowed.` and `maximum entity size is 1048576 bytes`
 * - `maximum 500 writes allowed per request` and `too many index entries for entity`
 * - with RESOURCE_EXHAUSTED `Received message larger than max (17777780 vs. 4194304)`, `gRPC message exceeds maximum size 4194304: 5118829`
 */
export function isTooLarge(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof PageturnerError) return error.code === 'too-large';
  const { code } = error as { code?: unknown };
  if (code === 3) return /too big|too large|too many|exceeds the|is longer than|maximum/i.test(error.message);
  return code === 8 && /message (larger|exceeds|size)|message with a size larger/i.test(error.message);
}
