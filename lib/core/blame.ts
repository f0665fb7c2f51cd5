/** What failures of the user's code were put down to last. */
export interface Blamed {
  /** The path of a document; null for what comes before there are documents (the query, say). */
  readonly document: string | null;
  /** How often in a row it was blamed. A page that takes effect without blaming it begins that anew. */
  readonly failures: number;
}

/** What is counted of failures. */
export interface FailureCounts {
  /** Failures of the user's code since the last page that took effect, whatever they were of. */
  readonly failures: number;
  /** Those in a row that were of what is at hand: another document may have stood in its place before. */
  readonly inARow: number;
  /** Documents set aside that count against the cap. */
  readonly quarantined: number;
}

/** What a shard remembers of failures. */
interface Remembered {
  readonly source?: 'set-aside';
  readonly failures: number;
  readonly quarantined: number;
  readonly blamed?: Blamed;
}

interface Document {
  readonly ref: { readonly path: string };
}

/** What was counted before a failure of the documents; of several nobody knows which is to blame. */
export function countsFor(remembered: Remembered, documents: readonly Document[]): FailureCounts {
  const { source, failures, quarantined } = remembered;
  const [document, ...others] = documents;
  return {
    failures,
    inARow: others.length > 0 ? 0 : failuresOf(remembered, document),
    // Those that are taken again were counted when they were set aside first.
    quarantined: source === 'set-aside' ? -Infinity : quarantined,
  };
}

/** A document, or what comes before there is one, blamed for one failure more. */
export function blame(remembered: Remembered, document: Document | undefined): Blamed {
  return { document: document?.ref.path ?? null, failures: failuresOf(remembered, document) + 1 };
}

function failuresOf({ blamed }: Remembered, document: Document | undefined): number {
  const path = document?.ref.path ?? null;
  return blamed?.document === path ? blamed.failures : 0;
}
