import type { RunStore } from '../../lib/ports.ts';
import { comparePaths } from '../../lib/testing/memory-firestore.ts';
import { changed } from '../support/changed.ts';
import type { Adversary } from './adversary.ts';
import { justBefore, justBehind } from './documents.ts';

/**
 * A store whose searches for boundaries take as many steps and as long as those in a large collection, and end at paths of which no
 * document needs to have one.
 */
export function withLongSearch(
  store: RunStore,
  { adversary, steps: most }: { readonly adversary: Adversary; readonly steps: number },
): RunStore {
  return changed(store, {
    async drawBoundaries(query, parts, soFar) {
      const steps = soFar?.search?.steps ?? 0;
      const drawing = await store.drawBoundaries(query, parts, steps < most ? undefined : soFar);
      if (drawing.search !== undefined) {
        if (adversary.strikes('longStep')) await adversary.dawdle();
        return { ...drawing, reads: steps + 1, search: { ...drawing.search, steps: steps + 1 } };
      }
      const near = drawing.boundaries.map((path) =>
        adversary.chance.pick([(same: string) => same, justBefore, justBehind])(path),
      );
      const boundaries = near
        .toSorted(comparePaths)
        .filter((path, place, sorted) => path !== sorted[place - 1]);
      return { ...drawing, boundaries };
    },
  });
}
