/**
 * A document that is given to the user's code alone, because nothing was heard of attempts at the page that it stood in. It is kept before
 * the code is called; whatever is heard of an attempt, good or bad, takes it away.
 */
export interface Suspect {
  /** Its path. */
  readonly document: string;
  /** Attempts that have had it alone, without those that came while another one had its time. */
  readonly attempts: number;
  /** When the last of them began. */
  readonly at: number;
}

/**
 * What is kept of a document that an attempt is about to have alone. One that comes before the time of the last one is over is none: that one may
 * be at work, and be heard of yet.
 */
export function suspected(
  { suspect }: { readonly suspect?: Suspect },
  document: string,
  limitMs: number,
  now: number,
): Suspect {
  if (suspect?.document !== document) return { document, attempts: 1, at: now };
  return now < suspect.at + limitMs ? suspect : { document, attempts: suspect.attempts + 1, at: now };
}

/** Attempts that had the document alone, whose time is over, and of which nothing was heard. */
export function unheard({ attempts }: Suspect): number {
  return attempts - 1;
}

/** What people are told of it. */
export function suspicion(suspect: Suspect): string {
  const attempts = unheard(suspect) === 1 ? 'an attempt' : `${unheard(suspect)} attempts`;
  return `Nothing was heard of ${attempts} that had this document alone: its handling ends the worker, takes more memory than there is, or never lets go of it.`;
}
