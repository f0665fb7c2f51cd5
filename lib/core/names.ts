import { createHash } from 'node:crypto';

/**
 * The id of a Cloud Tasks task that belongs to a known place in a run. The same place always gets the same id, so that enqueueing
 * it twice is refused by the queue. The hash stands first: the service shards its index by the start of the id, and ids that begin
 * alike make it slow.
 */
export function derivedTaskId(...parts: readonly (string | number)[]): string {
  const readable = parts.join('-').replaceAll(/[^A-Za-z0-9_-]/g, '_');
  return `${hash(parts).slice(0, 16)}-${readable}`.slice(0, 500);
}

/** A run's id, derived from what the caller says makes the start unique. */
export function derivedRunId(...parts: readonly (string | number)[]): string {
  return hash(parts).slice(0, 20);
}

/** The id of a document's entry among those that a run has set aside: the same for the same document. */
export function setAsideId(path: string): string {
  return hash([path]).slice(0, 20);
}

/** Tells pages with other documents apart. */
export function pageId(paths: readonly string[]): string {
  return hash(paths).slice(0, 20);
}

/** The id of the document that says which run of a task holds a key. */
export function keyId(task: string, key: string): string {
  return hash([task, key]).slice(0, 40);
}

/** Whether a run can have this id: Firestore takes a few texts for no document's. */
export function isRunId(id: string): boolean {
  return /^[^/]{1,500}$/s.test(id) && !/^(\.\.?|__.*__)$/s.test(id);
}

/** Whether a document is the run's own, or one that Pageturner keeps below it: not one of the user's own collections there. */
export function isRecordOf(runId: string, path: string): boolean {
  const [collection, run, below] = path.split('/');
  if (collection !== 'pageturnerRuns' || run !== runId) return false;
  return below === undefined || ['shards', 'setAside', 'children'].includes(below);
}

function hash(parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
