import type { DocumentData, DocumentReference, Firestore, Query } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Cursor } from '../../lib/core/cursor.ts';
import type { Drawing } from '../../lib/core/drawing.ts';
import { newShard, type Run } from '../../lib/core/run.ts';
import { rangesBetween, type KeyRange } from '../../lib/core/key-range.ts';
import type { Page, RunStore } from '../../lib/ports.ts';
import { drawn } from '../support/drawn.ts';
import { sampleRun } from '../support/runs.ts';

const run = sampleRun({
  id: 'r1',
  params: '{"nested":[[1]]}',
  shards: 2,
  boundaries: ['things/m'],
  versions: [1, 'two'],
  createdAt: 1_700_000_000_123,
  updatedAt: 1_700_000_000_125,
  at: 1_700_000_000_124,
  callbacks: ['onPause'],
  lastOwed: 2,
  owed: [{ name: 'onPause', number: 2, epoch: 1, cause: { at: 5, by: 'code' }, failures: 1, notBefore: 9 }],
  callbackError: { message: 'm', at: 1_700_000_000_126, callback: 'onPause' },
  history: [{ event: 'prepared', state: 'running', at: 1_700_000_000_125, by: 'worker', reason: 'why' }],
  outbox: [
    {
      id: 'x',
      queue: 'iterate',
      worker: 'walk',
      delivery: { kind: 'turn', run: 'r1', shard: 0, turn: 0, epoch: 0, cursor: [['deep']] },
      timeoutSeconds: 60,
    },
  ],
});
const shards = [newShard(0, 1), newShard(1, 1)];
const everything = { from: null, before: null };

/** What every store of runs must hold; `seed` writes documents before the test begins. */
export function runStoreContract(
  create: () => { store: RunStore; seed: (documents: Readonly<Record<string, object>>) => Promise<void> },
): void {
  let store: RunStore;
  let seed: (documents: Readonly<Record<string, object>>) => Promise<void>;

  beforeEach(async () => {
    ({ store, seed } = create());
    await store.createRun(run);
    await store.changeRun('r1', () => ({ shards }));
  });

  async function readTurn(): Promise<NonNullable<Awaited<ReturnType<RunStore['readTurn']>>>> {
    return (await store.readTurn('r1', 0)) ?? expect.fail('no turn');
  }

  async function dataAt(path: string): Promise<unknown> {
    return (await store.db.doc(path).get()).data();
  }

  describe('runs', () => {
    test('are read back as they were written', async () => {
      const found = await readTurn();
      expect(found.run.value).toEqual(run);
      expect(found.shard.value).toEqual(shards[0]);
      expect(await store.getRun('r1')).toEqual({ run, shards });
    });

    test('that exist are not written again', async () => {
      expect(await store.createRun({ ...run, startedBy: 'somebody else' })).toBe('exists');
      expect((await readTurn()).run.value.startedBy).toBe('code');
    });

    test('that do not exist are undefined, as is one whose shard is missing', async () => {
      expect(await store.readTurn('none', 0)).toBeUndefined();
      expect(await store.readTurn('r1', 9)).toBeUndefined();
      expect(await store.getRun('none')).toBeUndefined();
    });

    test('are listed newest first, by task if asked', async () => {
      await store.createRun({ ...run, id: 'r2', createdAt: run.createdAt + 5 });
      await store.createRun({ ...run, id: 'r3', createdAt: run.createdAt + 9, task: 'other' });
      const ids = async (filter: { task?: string; limit: number }) =>
        (await store.listRuns(filter)).map(({ id }) => id);
      expect(await ids({ limit: 10 })).toEqual(['r3', 'r2', 'r1']);
      expect(await ids({ limit: 10, task: 'walk' })).toEqual(['r2', 'r1']);
      expect(await ids({ limit: 1 })).toEqual(['r3']);
    });
  });

  test('runs that need care are listed by id, page by page', async () => {
    for (const id of ['a', 'z']) await store.createRun({ ...run, id });
    const { owed, ...plain } = run;
    await store.createRun({ ...plain, id: 'ended', state: 'completed', outbox: [] });
    await store.createRun({ ...run, id: 'm', state: 'paused', outbox: [], owed: owed ?? [] });
    await store.createRun({ ...plain, id: 'left', state: 'completed', outbox: [], hasLeftovers: true });
    const ids = async (after: string | null, limit: number) =>
      (await store.listActive(after, limit)).map(({ id }) => id);
    expect(await ids(null, 2)).toEqual(['a', 'left']);
    expect(await ids('left', 3)).toEqual(['m', 'r1', 'z']);
    expect(await ids('z', 2)).toEqual([]);
  });

  describe('a turn', () => {
    const cursor: Cursor = { path: 'things/a', values: ['x', null, 3], readable: ['x', null, 3, 'things/a'] };

    test('is committed with its writes, all together', async () => {
      await seed({ 'things/a': { n: 1, keep: true }, 'things/b': { n: 1 } });
      const { shard } = await readTurn();
      const after = {
        ...shard.value,
        turn: 1,
        cursor,
        failures: 2,
        quarantined: 3,
        pageSize: 50,
        result: '{"n":1}',
        lastError: { message: 'm', document: 'things/a', at: 5 },
      };
      const ref = (path: string): DocumentReference => store.db.doc(path);
      const result = await store.commitTurn('r1', shard, after, [
        { kind: 'update', ref: ref('things/a'), data: { n: 2 } },
        { kind: 'delete', ref: ref('things/b') },
        { kind: 'create', ref: ref('things/c'), data: { n: 3 } },
        { kind: 'set', ref: ref('things/d'), data: { n: 4 } },
      ]);
      expect(result).toBe('committed');
      expect((await readTurn()).shard.value).toEqual(after);
      expect(await dataAt('things/a')).toEqual({ n: 2, keep: true });
      expect(await dataAt('things/b')).toBeUndefined();
      expect(await dataAt('things/c')).toEqual({ n: 3 });
      expect(await dataAt('things/d')).toEqual({ n: 4 });
    });

    test('is held by a write whose version the commit then names, and by one only', async () => {
      const { shard } = await readTurn();
      const after = { ...shard.value, fencingToken: 1, heldUntil: 1_700_000_000_123 };
      const held = await store.holdTurn('r1', shard, after);
      if (held === 'conflict') expect.fail('nobody else has written');
      expect(held.value).toEqual(after);
      expect((await readTurn()).shard).toEqual(held);
      expect(await store.holdTurn('r1', shard, { ...after, fencingToken: 2 })).toBe('conflict');
      expect(await store.commitTurn('r1', shard, { ...after, turn: 1 }, [])).toBe('conflict');
      const { heldUntil: _, ...released } = after;
      expect(await store.commitTurn('r1', held, { ...released, turn: 1 }, [])).toBe('committed');
      expect((await readTurn()).shard.value).toEqual({ ...released, turn: 1 });
    });

    test('whose shard was written since it was read is a conflict, and nothing of it takes effect', async () => {
      const { shard } = await readTurn();
      const after = { ...shard.value, turn: 1 };
      await store.commitTurn('r1', shard, after, []);
      const write = { kind: 'set' as const, ref: store.db.doc('things/x'), data: { n: 1 } };
      expect(await store.commitTurn('r1', shard, { ...after, turn: 9 }, [write])).toBe('conflict');
      expect((await readTurn()).shard.value.turn).toBe(1);
      expect(await dataAt('things/x')).toBeUndefined();
    });

    test('loses the fields that its new form does not have', async () => {
      const first = await readTurn();
      await store.commitTurn(
        'r1',
        first.shard,
        { ...first.shard.value, lastError: { message: 'm', at: 5 } },
        [],
      );
      const second = await readTurn();
      const { lastError: _, ...without } = second.shard.value;
      await store.commitTurn('r1', second.shard, without, []);
      expect((await readTurn()).shard.value).not.toHaveProperty('lastError');
    });

    test.each([
      ['a create of what exists', 'create' as const, 'things/a'],
      ['an update of what does not', 'update' as const, 'things/none'],
    ])('with %s is refused with an error, not taken for a conflict', async (_, kind, path) => {
      await seed({ 'things/a': { n: 1 } });
      const { shard } = await readTurn();
      const write = { kind, ref: store.db.doc(path), data: { n: 2 } };
      await expect(store.commitTurn('r1', shard, { ...shard.value, turn: 1 }, [write])).rejects.toMatchObject(
        {
          code: expect.any(Number),
        },
      );
      expect((await readTurn()).shard.value.turn).toBe(0);
    });
  });

  describe('a change of a run', () => {
    const completed: Run = { ...run, state: 'completed', endedAt: 9, processed: 4, outbox: [] };
    const write = (store: RunStore) => ({
      kind: 'create' as const,
      ref: store.db.doc('reports/r'),
      data: { n: 1 },
    });

    test('is given the run and its shards, and takes effect with its writes, all together', async () => {
      const parked = { ...newShard(1, 5), state: 'parked' as const, lastError: { message: 'm', at: 3 } };
      const change = { run: completed, shards: [parked] };
      let seen: unknown;
      const written = await store.changeRun('r1', (found) => ((seen = found), change), [write(store)]);
      expect(seen).toEqual({ run, shards });
      expect(written).toEqual(change);
      expect(await store.getRun('r1')).toEqual({ run: completed, shards: [shards[0], parked] });
      expect(await dataAt('reports/r')).toEqual({ n: 1 });
    });

    test('that asks for nothing writes nothing', async () => {
      expect(await store.changeRun('r1', () => undefined, [write(store)])).toBeUndefined();
      expect(await dataAt('reports/r')).toBeUndefined();
    });

    test('whose writes are refused, or that throws, leaves all as it was', async () => {
      await seed({ 'reports/r': { n: 0 } });
      await expect(store.changeRun('r1', () => ({ run: completed }), [write(store)])).rejects.toMatchObject({
        code: expect.any(Number),
      });
      const refuse = (): never => {
        throw new Error('refused');
      };
      await expect(store.changeRun('r1', refuse)).rejects.toThrow('refused');
      expect(await store.getRun('r1')).toEqual({ run, shards });
    });

    test('of a run that is not there is refused', async () => {
      await expect(store.changeRun('none', () => undefined)).rejects.toMatchObject({ code: 'invalid-state' });
    });

    test('makes a turn that was read before it a conflict, and loses no change that was made at the same time', async () => {
      const { shard } = await readTurn();
      const change = store.changeRun('r1', (found) => ({
        run: { ...found.run, epoch: found.run.epoch + 1 },
        shards: found.shards.map((one) => ({ ...one, epoch: one.epoch + 1 })),
      }));
      const others = Array.from({ length: 3 }, () =>
        store.changeRun('r1', ({ run: now }) => ({ run: { ...now, epoch: now.epoch + 1 } })),
      );
      await Promise.all([change, ...others]);
      expect(await store.commitTurn('r1', shard, { ...shard.value, turn: 1 }, [])).toBe('conflict');
      expect((await readTurn()).run.value.epoch).toBe(4);
    });
  });

  test('a failure is recorded once, however often', async () => {
    const failure = { id: 'f', task: 't', params: [[1]], message: 'm', at: 3 };
    await store.recordFailure(failure);
    await store.recordFailure(failure);
    expect(await dataAt('pageturnerFailures/f')).toMatchObject({ task: 't', message: 'm' });
  });

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
