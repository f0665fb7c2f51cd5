import type { RunStore } from '../../lib/ports.ts';
import type { Adversary } from './adversary.ts';
import { changed } from '../support/changed.ts';

/** What Google's client throws when a commit is beyond what the service takes. */
class TooBig extends Error {
  readonly code = 3;
  readonly details = 'Transaction too big. Decrease transaction size.';

  constructor() {
    super('3 INVALID_ARGUMENT: Transaction too big. Decrease transaction size.');
  }
}

/** A store that refuses pages with more than so many writes, deletions aside. */
export function withLimit(store: RunStore, mostWrites: number, adversary: Adversary): RunStore {
  return changed(store, {
    async commitTurn(run, before, after, writes) {
      if (writes.filter(({ kind }) => kind !== 'delete').length > mostWrites) {
        adversary.struck('tooLargeCommit');
        throw new TooBig();
      }
      return await store.commitTurn(run, before, after, writes);
    },
  });
}
