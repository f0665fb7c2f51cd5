import type { DocumentData, Query } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Cursor } from '../../lib/core/cursor.ts';
import { newShard } from '../../lib/core/run.ts';
import type { Write } from '../../lib/core/write.ts';
import type { CommitResult, Page, RunStore } from '../../lib/ports.ts';
import { sampleRun } from '../support/runs.ts';
import type { StoreFactory } from './set-aside.ts';

const everything = { from: null, before: null };

/** What every store of runs must hold of the documents in its database: their order by their fields, and what writes make of them. */
export function documentContract(create: StoreFactory): void {
  let store: RunStore;
  let seed: (documents: Readonly<Record<string, object>>) => Promise<void>;

  beforeEach(async () => {
    ({ store, seed } = create());
    await store.createRun(sampleRun({ id: 'r1' }));
    await store.changeRun('r1', () => ({ shards: [newShard(0, 1)] }));
  });

  async function walk(query: Query, limit: number): Promise<string[]> {
    const seen: string[] = [];
    let after: Cursor | null = null;
    do {
      const page: Page<DocumentData> = await store.readPage(query, everything, after, limit);
      seen.push(...page.documents.map(({ id }) => id));
      const last = page.documents.at(-1);
      after = last === undefined ? null : page.positionOf(last);
    } while (after !== null);
    return seen;
  }

  async function commit(writes: readonly Write[]): Promise<CommitResult> {
    const { shard } = (await store.readTurn('r1', 0)) ?? expect.fail('no turn');
    return await store.commitTurn('r1', shard, { ...shard.value, turn: shard.value.turn + 1 }, writes);
  }

  const dataAt = async (path: string): Promise<DocumentData | undefined> =>
    (await store.db.doc(path).get()).data();

  describe('an order of documents', () => {
    const values = [null, false, true, -1, 0, 1.5, 2, '', 'A', 'a', 'ab', 'é', '\uff5e', '😀'];

    test('is that of values of all kinds, those without the field left out, and no page loses one', async () => {
      const documents = values.map((value, place) => [`things/${String(99 - place)}`, { value }] as const);
      await seed({ ...Object.fromEntries(documents), 'things/none': { other: 1 } });
      const ids = values.map((_, place) => String(99 - place));
      const query = store.db.collection('things');
      for (const limit of [1, 3]) {
        expect(await walk(query.orderBy('value'), limit)).toEqual(ids);
        expect(await walk(query.orderBy('value', 'desc'), limit)).toEqual(ids.toReversed());
      }
    });

    test('by several fields in both directions has the names of equal ones in the direction of the last', async () => {
      const of = (n: number, m: string): object => ({ n, m });
      await seed({
        'things/a': of(1, 'x'),
        'things/b': of(1, 'y'),
        'things/c': of(1, 'y'),
        'things/d': of(2, 'x'),
        'things/e': of(2, 'x'),
        'things/f': { n: 3 },
      });
      const query = store.db.collection('things');
      for (const limit of [1, 2, 10]) {
        expect(await walk(query.orderBy('n').orderBy('m', 'desc'), limit)).toEqual(['c', 'b', 'a', 'e', 'd']);
        expect(await walk(query.orderBy('n', 'desc').orderBy('m'), limit)).toEqual(['d', 'e', 'a', 'b', 'c']);
      }
    });

    test('has a page start where its cursor stands, wherever the document of that has been moved since', async () => {
      await seed({ 'things/a': { n: 1 }, 'things/b': { n: 2 }, 'things/c': { n: 3 }, 'things/d': { n: 4 } });
      const query = store.db.collection('things').orderBy('n');
      for (const n of [0, 9, 'text', null]) {
        await commit([{ kind: 'set', ref: store.db.doc('things/b'), data: { n: 2 } }]);
        const first = await store.readPage(query, everything, null, 2);
        const [, last = expect.fail('no second document')] = first.documents;
        const cursor = first.positionOf(last);
        await commit([{ kind: 'update', ref: store.db.doc('things/b'), data: { n } }]);
        const { documents } = await store.readPage(query, everything, cursor, 10);
        const isAhead = n === 9 || n === 'text';
        expect(documents.map(({ id }) => id)).toEqual(['c', 'd', ...(isAhead ? ['b'] : [])]);
      }
    });

    test('of a group, and its filters by several kinds of values, are counted as they are read', async () => {
      await seed({
        'wholes/1/parts/a': { is: true, kind: null },
        'wholes/2/parts/a': { is: true, kind: 'x' },
        'wholes/2/parts/b': { is: 'true', kind: 1 },
        'parts/a': { kind: null },
      });
      const group = store.db.collectionGroup('parts');
      const counted = [
        [group, 4],
        [group.where('is', '==', true), 2],
        [group.where('kind', '==', null), 2],
        [group.where('kind', '==', 1), 1],
        [group.where('is', '==', true).where('kind', '==', 'x'), 1],
      ] as const;
      for (const [query, count] of counted) {
        expect(await store.count(query)).toBe(count);
        expect(await walk(query, 2)).toHaveLength(count);
      }
    });
  });

  describe('writes of a turn', () => {
    test('to one document take effect in their order', async () => {
      const ref = store.db.doc('things/a');
      await commit([
        { kind: 'create', ref, data: { n: 1 } },
        { kind: 'update', ref, data: { m: 2 } },
      ]);
      expect(await dataAt('things/a')).toEqual({ n: 1, m: 2 });
      await commit([
        { kind: 'delete', ref },
        { kind: 'create', ref, data: { n: 3 } },
        { kind: 'set', ref, data: { m: 4 }, options: { merge: true } },
      ]);
      expect(await dataAt('things/a')).toEqual({ n: 3, m: 4 });
    });

    test('delete what is not there, and merge into what is not, without a fault', async () => {
      expect(
        await commit([
          { kind: 'delete', ref: store.db.doc('things/none') },
          { kind: 'set', ref: store.db.doc('things/a'), data: { n: 1 }, options: { merge: true } },
        ]),
      ).toBe('committed');
      expect(await dataAt('things/a')).toEqual({ n: 1 });
    });

    test.each([
      ['create', 'things/a', 6],
      ['update', 'things/none', 5],
    ] as const)('one of which is a refused %s leave nothing behind', async (kind, path, code) => {
      await seed({ 'things/a': { n: 1 } });
      const other: Write = { kind: 'set', ref: store.db.doc('things/b'), data: { n: 2 } };
      const refused: Write = { kind, ref: store.db.doc(path), data: { n: 3 } };
      await expect(commit([other, refused])).rejects.toMatchObject({ code });
      expect(await dataAt('things/a')).toEqual({ n: 1 });
      expect(await dataAt('things/b')).toBeUndefined();
    });

    test('by several turns at the same time are those of one of them', async () => {
      const { shard } = (await store.readTurn('r1', 0)) ?? expect.fail('no turn');
      const after = { ...shard.value, turn: 1 };
      const results = await Promise.all(
        [1, 2, 3].map(
          async (n) =>
            await store.commitTurn('r1', shard, after, [
              { kind: 'set', ref: store.db.doc(`things/${n}`), data: { n } },
            ]),
        ),
      );
      expect(results.filter((result) => result === 'committed')).toHaveLength(1);
      const [winner] = results.flatMap((result, place) => (result === 'committed' ? [place + 1] : []));
      const { documents } = await store.readPage(store.db.collection('things'), everything, null, 5);
      expect(documents.map(({ id }) => id)).toEqual([String(winner)]);
    });
  });
}
