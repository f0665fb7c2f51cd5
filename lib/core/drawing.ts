/** A place in the walk of a query by document names. */
export interface Mark {
  readonly path: string;
  /** How many documents stand before it. */
  readonly rank: number;
  /** Whether the path is known to be a document's. */
  readonly isDocument: boolean;
}

/** How far the drawing of a run's boundaries has come. It is kept with the run, so that a crash does not cost all of it. */
export interface Drawing {
  /** Paths at which a new range begins, in order; none while the search goes on. */
  readonly boundaries: readonly string[];
  /** How many documents the query has, where they were counted. */
  readonly total?: number;
  /** What it has cost, in document reads as Google bills them. */
  readonly reads: number;
  /** Undefined when it is over. */
  readonly search?: Search;
}

/** The search for one boundary, between what was found before, and those that are sought after it. */
export interface Search {
  /** The first document, the boundaries that have been found, and a place behind the last document. */
  readonly marks: readonly Mark[];
  /** The ranks at which boundaries are sought, this one's first. */
  readonly sought: readonly number[];
  /** How many documents a boundary may lie from its rank. */
  readonly tolerance: number;
  readonly below: Mark;
  readonly above: Mark;
  /** Places tried for this boundary. */
  readonly steps: number;
  /** Whether the last step parted nothing: the next one then asks for a document before it counts. */
  readonly isResisted: boolean;
}
