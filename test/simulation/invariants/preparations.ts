import type { Run } from '../../../lib/core/run.ts';
import { comparePaths } from '../../../lib/testing/memory-firestore.ts';
import type { Observer, Report } from './observer.ts';

/** A run is prepared once, its ranges stay as they were drawn then, and a search for them that is cut off goes on where it had come. */
export class Preparations implements Observer {
  readonly #report: Report;
  readonly #prepared = new Set<string>();

  constructor(report: Report) {
    this.#report = report;
  }

  runWritten(before: Run | undefined, after: Run): void {
    const { id, boundaries, drawing, shards } = after;
    const [told, stood] = [boundaries, before?.boundaries].map((paths) => JSON.stringify(paths));
    if (stood !== undefined && told !== stood)
      this.#report(`the boundaries of a run went from ${stood} to ${told}`);
    if (before?.state === 'starting' && after.state === 'running') {
      if (this.#prepared.has(id)) this.#report('a run was prepared twice');
      this.#prepared.add(id);
      const isSorted = boundaries?.every(
        (path, place) => place === 0 || comparePaths(boundaries[place - 1] ?? '', path) < 0,
      );
      if (isSorted !== true || boundaries?.length !== shards - 1)
        this.#report(`a run has ${shards} shards with the boundaries ${told}`);
    }
    const [steps, former] = [drawing?.search?.steps, before?.drawing?.search?.steps];
    if (steps !== undefined && former !== undefined && steps < former)
      this.#report(`the search for boundaries went back from step ${former} to ${steps}`);
  }
}
