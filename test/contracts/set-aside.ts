import { beforeEach, describe, expect, test } from 'vitest';
import type { Cursor } from '../../lib/core/cursor.ts';
import type { RunStore } from '../../lib/ports.ts';

/** A store in a database of its own; `seed` writes documents before the test begins. */
export type StoreFactory = () => {
  store: RunStore;
  seed: (documents: Readonly<Record<string, object>>) => Promise<void>;
};

/** What every store of runs must hold of the documents that runs have set aside. */
export function setAsideContract(create: StoreFactory): void {
  let store: RunStore;
  let seed: (documents: Readonly<Record<string, object>>) => Promise<void>;

  beforeEach(() => {
    ({ store, seed } = create());
  });

  describe('documents that were set aside', () => {
    const setAside = (id: string): Record<string, object> => ({
      [`pageturnerRuns/r1/setAside/${id}`]: { path: `things/${id}`, attempts: 3 },
    });

    test('are read page by page, without those that are gone, and each has its position', async () => {
      const entries = Object.assign({}, ...['a', 'b', 'c', 'd', 'e'].map(setAside)) as Record<string, object>;
      await seed({ ...entries, 'things/a': { n: 1 }, 'things/c': { n: 3 }, 'things/e': { n: 5 } });
      const first = await store.readSetAside('r1', null, 3);
      expect(first.documents.map((document) => [document.ref.path, document.get('n') as unknown])).toEqual([
        ['things/a', 1],
        ['things/c', 3],
      ]);
      expect([first.gone, first.read]).toEqual([['things/b'], 3]);
      const rest = async (after: Cursor | null): Promise<unknown> => {
        const { documents, gone, read } = await store.readSetAside('r1', after, 9);
        return [documents.map(({ id }) => id), gone, read];
      };
      expect(await rest(first.end)).toEqual([['e'], ['things/d'], 2]);
      const [a = expect.fail('none')] = first.documents;
      expect(await rest(first.positionOf(a))).toEqual([['c', 'e'], ['things/b', 'things/d'], 4]);
    });

    test('may be none', async () => {
      const page = await store.readSetAside('r1', null, 3);
      expect(page).toMatchObject({ documents: [], gone: [], read: 0, end: null });
    });
  });
}
