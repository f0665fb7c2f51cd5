/** The document that failures of the user's code were put down to last. */
export interface Blamed {
  /** Its path. */
  readonly document: string;
  /** How often it failed, since another one was blamed or a page took effect. */
  readonly failures: number;
}

/** What is counted of failures. */
export interface FailureCounts {
  /** Failures of the user's code since the last page that took effect, whatever they were of. */
  readonly failures: number;
  /** Those of the document at hand: another one may have stood in its place before. */
  readonly ofDocument: number;
  /** Documents set aside. */
  readonly quarantined: number;
}

/** What a shard remembers of failures. */
interface Remembered {
  readonly failures: number;
  readonly quarantined: number;
  readonly blamed?: Blamed;
}

interface Document {
  readonly ref: { readonly path: string };
}

/** What was counted before a failure of the documents; only where there is a single one is it known to be its own. */
export function countsFor(remembered: Remembered, documents: readonly Document[]): FailureCounts {
  const { failures, quarantined } = remembered;
  const [document, ...others] = documents;
  const isAlone = document !== undefined && others.length === 0;
  return { failures, quarantined, ofDocument: isAlone ? failuresOf(remembered, document) : 0 };
}

/** A document blamed for one failure more. */
export function blame(remembered: Remembered, document: Document): Blamed {
  return { document: document.ref.path, failures: failuresOf(remembered, document) + 1 };
}

function failuresOf({ blamed }: Remembered, { ref }: Document): number {
  return blamed?.document === ref.path ? blamed.failures : 0;
}
