import type { ErrorRecord } from './errors.ts';
import type { Retry } from './last-word.ts';
import type { Shard } from './run.ts';

/**
 * A document that is given to the user's code alone, because nothing was heard of attempts at the page that it stood in. It is kept before
 * the code is called; whatever is heard of an attempt, good or bad, takes it away.
 */
export interface Suspect {
  /** Its path. */
  readonly document: string;
  /** Attempts that have had it alone. */
  readonly attempts: number;
  /** The last of them, by the epoch and the retries of its task. */
  readonly epoch: number;
  readonly retries: number;
}

/** What is kept of a document before an attempt has it alone. A duplicate of the attempt that is kept is not counted again. */
export function suspected({ suspect, epoch }: Shard, document: string, { retries }: Retry): Suspect {
  if (suspect?.document !== document) return { document, attempts: 1, epoch, retries };
  const isKept = suspect.epoch === epoch && suspect.retries >= retries;
  return isKept ? suspect : { document, attempts: suspect.attempts + 1, epoch, retries };
}

/** Attempts that had the document alone and must be over, as another one has begun. */
export function unheard({ attempts }: Suspect): number {
  return attempts - 1;
}

/** What people are told of it. */
export function suspicion(suspect: Suspect, at: number): ErrorRecord {
  const attempts = unheard(suspect) === 1 ? 'an attempt' : `${unheard(suspect)} attempts`;
  const message = `Nothing was heard of ${attempts} that had this document alone: its handling ends the worker, takes more memory than there is, or never lets go of it.`;
  return { message, document: suspect.document, at };
}
