import type { DocumentData, Firestore, Query } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Cursor } from '../../lib/core/cursor.ts';
import type { Drawing } from '../../lib/core/drawing.ts';
import { rangesBetween, type KeyRange } from '../../lib/core/key-range.ts';
import { newShard } from '../../lib/core/run.ts';
import type { Page, RunStore } from '../../lib/ports.ts';
import { drawn } from '../support/drawn.ts';
import { sampleRun } from '../support/runs.ts';
import type { StoreFactory } from './set-aside.ts';

const everything = { from: null, before: null };

/** What every store of runs must hold of the pages of a walk and of the ranges of its shards. */
export function pageContract(create: StoreFactory): void {
  let store: RunStore;
  let seed: (documents: Readonly<Record<string, object>>) => Promise<void>;

  beforeEach(async () => {
    ({ store, seed } = create());
    await store.createRun(sampleRun({ id: 'r1' }));
    await store.changeRun('r1', () => ({ shards: [newShard(0, 1)] }));
  });

  async function readTurn(): Promise<NonNullable<Awaited<ReturnType<RunStore['readTurn']>>>> {
    return (await store.readTurn('r1', 0)) ?? expect.fail('no turn');
  }

  describe('pages', () => {
    async function walk(
      query: (db: Firestore) => Query,
      limit: number,
      range: KeyRange = everything,
    ): Promise<string[]> {
      const seen: string[] = [];
      let after: Cursor | null = null;
      do {
        const page: Page<DocumentData> = await store.readPage(query(store.db), range, after, limit);
        seen.push(...page.documents.map(({ ref }) => ref.path));
        const last = page.documents.at(-1);
        after = last === undefined ? null : page.positionOf(last);
      } while (after !== null);
      return seen;
    }

    test.each([
      [
        'a collection',
        (db: Firestore) => db.collection('things'),
        ['things/a', 'things/b', 'things/c', 'things/d'],
      ],
      [
        'a filter',
        (db: Firestore) => db.collection('things').where('even', '==', true),
        ['things/a', 'things/c'],
      ],
      [
        'an order with ties',
        (db: Firestore) => db.collection('things').orderBy('n'),
        ['things/c', 'things/a', 'things/b'],
      ],
      [
        'an order downwards',
        (db: Firestore) => db.collection('things').orderBy('n', 'desc'),
        ['things/b', 'things/a', 'things/c'],
      ],
      [
        'a collection group',
        (db: Firestore) => db.collectionGroup('parts'),
        ['things/a/parts/1', 'things/b/parts/1'],
      ],
    ])('of %s are the whole of it in order', async (_, query, expected) => {
      await seed({
        'things/b': { n: 2, even: false },
        'things/a': { n: 2, even: true },
        'things/d': { even: false },
        'things/c': { n: 1, even: true },
        'things/b/parts/1': {},
        'things/a/parts/1': {},
      });
      for (const limit of [1, 2, 10]) expect(await walk(query, limit)).toEqual(expected);
    });

    test('order ids as their UTF-8 bytes do, and numbers, prefixes and letters beyond ASCII with them', async () => {
      const ids = ['1', '10', '2', 'A', 'a', 'a-', 'a0', 'aa', 'é', '\uff5e', '😀', '😁'];
      await seed(Object.fromEntries(ids.toReversed().map((id) => [`things/${id}`, {}])));
      const paths = ids.map((id) => `things/${id}`);
      expect(await walk((db) => db.collection('things'), 5)).toEqual(paths);
    });

    test('order ids with signs, spaces and controls in them, of which none is lost between pages', async () => {
      const ids = [
        '\u0001',
        ' ',
        '%2F',
        '.a',
        '0',
        '0\u0001',
        '0\u{10ffff}',
        '1',
        '__a',
        '_a__',
        '`',
        '~',
        '\u{10ffff}',
      ];
      await seed(Object.fromEntries(ids.toReversed().map((id) => [`things/${id}`, {}])));
      const paths = ids.map((id) => `things/${id}`);
      for (const limit of [1, 4]) expect(await walk((db) => db.collection('things'), limit)).toEqual(paths);
    });

    test('of a range keep to it under several parents with equal ids', async () => {
      const paths = ['a/1/parts/x', 'b/1/parts/x', 'b/1/parts/x/parts/x', 'b/1/parts/y', 'b/2/parts/x'];
      await seed(Object.fromEntries(paths.map((path) => [path, {}])));
      const group = (db: Firestore): Query => db.collectionGroup('parts');
      for (const boundary of paths) {
        const place = paths.indexOf(boundary);
        expect(await walk(group, 2, { from: null, before: boundary })).toEqual(paths.slice(0, place));
        expect(await walk(group, 2, { from: boundary, before: null })).toEqual(paths.slice(place));
        const behind = `${boundary}\u0001`;
        expect(await walk(group, 2, { from: boundary, before: behind })).not.toContain(paths[place - 1]);
        expect(await walk(group, 2, { from: behind, before: null })).not.toContain(boundary);
      }
    });

    test('and turns show what was committed before they were asked for', async () => {
      await seed({ 'things/a': { even: true }, 'things/b': { even: true } });
      const query = store.db.collection('things').where('even', '==', true);
      for (let turn = 1; turn <= 2; turn += 1) {
        const { shard } = await readTurn();
        const { documents } = await store.readPage(query, everything, null, 1);
        const [{ ref } = expect.fail('no document')] = documents;
        await store.commitTurn('r1', shard, { ...shard.value, turn }, [
          { kind: 'update', ref, data: { even: false } },
        ]);
        expect((await readTurn()).shard.value.turn).toBe(turn);
      }
      expect((await store.readPage(query, everything, null, 1)).documents).toEqual([]);
    });

    test('of a range begin with its first key and end before the next', async () => {
      await seed({ 'things/a': {}, 'things/b': {}, 'things/c': {}, 'other/b': {}, 'things/b/things/a': {} });
      const collection = (db: Firestore): Query => db.collection('things');
      const group = (db: Firestore): Query => db.collectionGroup('things');
      const range = { from: 'things/b', before: 'things/c' };
      for (const limit of [1, 5]) {
        expect(await walk(collection, limit, range)).toEqual(['things/b']);
        expect(await walk(group, limit, range)).toEqual(['things/b', 'things/b/things/a']);
        expect(await walk(group, limit, { from: null, before: 'things/b' })).toEqual(['things/a']);
      }
    });

    test('are as many as the boundaries part, each document in one of them, and the documents are counted', async () => {
      const ids = Array.from({ length: 9 }, (_, n) => `things/${n}`);
      await seed(Object.fromEntries(ids.map((id) => [id, {}])));
      const collection = (db: Firestore): Query => db.collection('things');
      const draw = async (query: Query): Promise<Drawing> =>
        await drawn(async (soFar) => await store.drawBoundaries(query, 3, soFar));
      const { boundaries, total } = await draw(collection(store.db));
      expect(total).toBe(9);
      expect(boundaries).toHaveLength(2);
      const parts = await Promise.all(rangesBetween(boundaries).map((range) => walk(collection, 2, range)));
      expect(parts.flat()).toEqual(ids);
      expect(await store.count(collection(store.db))).toBe(9);
      expect(await draw(store.db.collection('nothing'))).toMatchObject({ boundaries: [], total: 0 });
    });

    test('begin behind a document that is gone', async () => {
      await seed({ 'things/a': {}, 'things/b': {}, 'things/c': {} });
      const query = store.db.collection('things');
      const first = await store.readPage(query, everything, null, 2);
      const { shard } = await readTurn();
      const [, last = expect.fail('no second document')] = first.documents;
      const after = { ...shard.value, cursor: first.positionOf(last) };
      await store.commitTurn('r1', shard, after, [{ kind: 'delete', ref: store.db.doc('things/b') }]);
      const second = await store.readPage(query, everything, (await readTurn()).shard.value.cursor, 2);
      expect(second.documents.map(({ id }) => id)).toEqual(['c']);
    });
  });
}
