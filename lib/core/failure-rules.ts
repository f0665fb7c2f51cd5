import type { FailureCounts } from './blame.ts';
import { FatalTaskError, NotBegunError, PageturnerError } from './errors.ts';
import { isPlatformFailure, isTooLarge } from './platform-failure.ts';

/** What becomes of a document whose handling fails: see `IterativeTaskDefinition`. */
export type OnError = 'retry' | 'quarantine' | 'fail';

/** What a task's definition says about failures. */
export interface FailurePolicy {
  readonly onError: OnError;
  readonly tries: number;
  readonly maxFailures: number;
  readonly maxQuarantined: number;
}

/**
 * What is done about documents that did not take effect:
 *
 * - `narrow`: half of them are tried at once. Nothing is counted: the failure may be another document's.
 * - `again`: they come again as they are. Nothing is counted: the platform is at fault.
 * - `smaller`: half of them come again, because they took too long. Nothing is counted.
 * - `count`: the document, or what precedes all documents, comes again, and the failure is counted.
 * - `set-aside`: the document is set aside, and the walk goes on behind it.
 * - `too-many`: the run ends, as the document would be set aside and as many are as may be.
 * - `fail`: the run ends.
 */
export type Remedy = 'narrow' | 'again' | 'smaller' | 'count' | 'set-aside' | 'too-many' | 'fail';

/**
 * The rule for a failure.
 *
 * @param documents how many were tried together; 0 when it failed before there were any.
 */
export function remedyFor(
  error: unknown,
  documents: number,
  counts: FailureCounts,
  policy: FailurePolicy,
): Remedy {
  if (error instanceof FatalTaskError) return 'fail';
  if (isTooLarge(error) && documents > 1) return 'narrow';
  if (isTimeout(error)) return documents > 1 ? 'smaller' : 'again';
  if (!isTooLarge(error) && isPlatformFailure(error)) return 'again';
  if (policy.onError === 'fail') return 'fail';
  if (documents > 1) return 'narrow';
  if (policy.onError === 'retry') return counts.failures + 1 < policy.maxFailures ? 'count' : 'fail';
  // What documents come to is in their own count; a few that fail must not use up the budget of what comes before them.
  const failures = counts.inARow + 1;
  if (documents === 1) return failures < policy.tries ? 'count' : setAside(counts, policy);
  return failures < policy.maxFailures ? 'count' : 'fail';
}

/**
 * The rule for a failure after which the queue delivers no more. What the user's code is to blame for ends here; a document that alone
 * takes longer than a handler may is blamed too, or its walk would never end.
 *
 * - `restart`: the chain is begun anew, as the healer does.
 */
export function remedyAtTheEnd(
  remedy: 'narrow' | 'again' | 'smaller' | 'count',
  error: unknown,
  documents: number,
  counts: Pick<FailureCounts, 'quarantined'>,
  policy: FailurePolicy,
): 'restart' | 'set-aside' | 'too-many' | 'fail' {
  const isTooSlow = isTimeout(error) && !(error instanceof NotBegunError) && documents === 1;
  const isBlamed = remedy === 'count' || isTooSlow;
  if (!isBlamed) return 'restart';
  return policy.onError === 'quarantine' && documents === 1 ? setAside(counts, policy) : 'fail';
}

/** Once or twice a worker may die of something else. */
const fewestUnheard = 3;

/**
 * The rule for a document that attempts had alone and of which nothing was heard; undefined where it comes again. Only who asked for
 * documents to be set aside is spared it: nothing is counted, as nobody knows whose fault it was.
 */
export function remedyForUnheard(
  attempts: number,
  counts: Pick<FailureCounts, 'quarantined'>,
  policy: FailurePolicy,
): 'set-aside' | 'too-many' | undefined {
  if (policy.onError !== 'quarantine' || attempts < Math.max(policy.tries, fewestUnheard)) return undefined;
  return setAside(counts, policy);
}

function setAside(
  { quarantined }: Pick<FailureCounts, 'quarantined'>,
  { maxQuarantined }: FailurePolicy,
): 'set-aside' | 'too-many' {
  return quarantined < maxQuarantined ? 'set-aside' : 'too-many';
}

function isTimeout(error: unknown): boolean {
  return error instanceof PageturnerError && error.code === 'deadline-exceeded';
}
