import { beforeEach, describe, expect, test } from 'vitest';
import type { Cursor } from '../../lib/core/cursor.ts';
import { listSetAside } from '../../lib/list-set-aside.ts';
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

    test('are listed with why and when, and whether there are more', async () => {
      const at = new Date(Date.UTC(2030, 0, 1));
      const entry = (id: string): object => ({
        path: `things/${id}`,
        error: { message: `no ${id}` },
        attempts: 3,
        at,
      });
      const path = 'pageturnerRuns/r1/setAside';
      await seed({
        [`${path}/a`]: entry('a'),
        [`${path}/b`]: { ...entry('b'), error: { message: 'no b', stack: 'at b' }, attempts: 0 },
      });
      const a = { path: 'things/a', reason: 'no a', attempts: 3, at };
      const b = { path: 'things/b', reason: 'no b', stack: 'at b', attempts: 0, at };
      expect(await listSetAside('r1', { limit: 1 }, store)).toEqual({ documents: [a], hasMore: true });
      expect(await listSetAside('r1', { limit: 2 }, store)).toEqual({ documents: [a, b], hasMore: false });
      for (const none of ['r2', 'a/b'])
        expect(await listSetAside(none, {}, store)).toEqual({ documents: [], hasMore: false });
    });

    test('may be none', async () => {
      const page = await store.readSetAside('r1', null, 3);
      expect(page).toMatchObject({ documents: [], gone: [], read: 0, end: null });
    });
  });
}
