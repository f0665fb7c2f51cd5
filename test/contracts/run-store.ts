import type { DocumentData, DocumentReference, Firestore, Query } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Cursor } from '../../lib/core/cursor.ts';
import { newShard, type Run } from '../../lib/core/run.ts';
import type { Page, RunStore, Versioned } from '../../lib/ports.ts';

const run: Run = {
  id: 'r1',
  task: 'walk',
  queue: 'iterate',
  params: '{"nested":[[1]]}',
  state: 'running',
  shards: 2,
  startedBy: 'test',
  createdAt: 1_700_000_000_123,
  outbox: [
    {
      id: 'x',
      queue: 'iterate',
      worker: 'walk',
      delivery: { kind: 'turn', run: 'r1', shard: 0, turn: 0, epoch: 0, cursor: [['deep']] },
      timeoutSeconds: 60,
    },
  ],
};
const shards = [newShard(0, 1), newShard(1, 1)];

/** What every store of runs must hold; `seed` writes documents before the test begins. */
export function runStoreContract(
  create: () => { store: RunStore; seed: (documents: Readonly<Record<string, object>>) => Promise<void> },
): void {
  let store: RunStore;
  let seed: (documents: Readonly<Record<string, object>>) => Promise<void>;

  beforeEach(async () => {
    ({ store, seed } = create());
    await store.createRun(run, shards);
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
      expect(await store.readRun('r1', 2)).toEqual({ run: found.run, shards });
      expect(await store.getRun('r1')).toEqual({ run, shards });
    });

    test('that exist are not written again', async () => {
      expect(await store.createRun({ ...run, startedBy: 'somebody else' }, shards)).toBe('exists');
      expect((await readTurn()).run.value.startedBy).toBe('test');
    });

    test('that do not exist are undefined, as is one whose shard is missing', async () => {
      expect(await store.readTurn('none', 0)).toBeUndefined();
      expect(await store.readTurn('r1', 9)).toBeUndefined();
      expect(await store.readRun('none', 1)).toBeUndefined();
      expect(await store.getRun('none')).toBeUndefined();
    });

    test('are listed newest first, by task if asked', async () => {
      await store.createRun({ ...run, id: 'r2', createdAt: run.createdAt + 5 }, shards);
      await store.createRun({ ...run, id: 'r3', createdAt: run.createdAt + 9, task: 'other' }, shards);
      const ids = async (filter: { task?: string; limit: number }) =>
        (await store.listRuns(filter)).map(({ id }) => id);
      expect(await ids({ limit: 10 })).toEqual(['r3', 'r2', 'r1']);
      expect(await ids({ limit: 10, task: 'walk' })).toEqual(['r2', 'r1']);
      expect(await ids({ limit: 1 })).toEqual(['r3']);
    });
  });

  test('running runs are listed by id, page by page', async () => {
    for (const id of ['a', 'z']) await store.createRun({ ...run, id }, shards);
    await store.createRun({ ...run, id: 'ended', state: 'completed' }, shards);
    const ids = async (after: string | null, limit: number) =>
      (await store.listRunning(after, limit)).map(({ id }) => id);
    expect(await ids(null, 2)).toEqual(['a', 'r1']);
    expect(await ids('r1', 2)).toEqual(['z']);
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

  test('the end of a run is committed once', async () => {
    const { run: found } = await readTurn();
    const after: Run = { ...found.value, state: 'completed', endedAt: 9, processed: 4, outbox: [] };
    expect(
      await store.commitRun(found, after, [{ kind: 'set', ref: store.db.doc('reports/r'), data: { n: 1 } }]),
    ).toBe('committed');
    expect(await store.commitRun(found, after, [])).toBe('conflict');
    expect((await readTurn()).run.value).toEqual(after);
    expect(await dataAt('reports/r')).toEqual({ n: 1 });
  });

  test('a failed end needs run and shard to be as they were read', async () => {
    const found = await readTurn();
    const error = { message: 'm', stack: 's', at: 7 };
    const after = {
      run: { ...found.run.value, state: 'failed' as const, error },
      shard: { ...found.shard.value, state: 'failed' as const, lastError: error },
    };
    const stale = (await readTurn()).shard as Versioned<typeof after.shard>;
    await store.commitTurn('r1', found.shard, { ...found.shard.value, turn: 1 }, []);
    expect(await store.commitRunAndShard({ run: found.run, shard: stale }, after)).toBe('conflict');
    expect((await readTurn()).run.value.state).toBe('running');
    expect(await store.commitRunAndShard(await readTurn(), after)).toBe('committed');
    expect(await store.getRun('r1')).toMatchObject({ run: after.run, shards: [after.shard, {}] });
  });

  test('a failure is recorded once, however often', async () => {
    const failure = { id: 'f', task: 't', params: [[1]], message: 'm', at: 3 };
    await store.recordFailure(failure);
    await store.recordFailure(failure);
    expect(await dataAt('pageturnerFailures/f')).toMatchObject({ task: 't', message: 'm' });
  });

  describe('pages', () => {
    async function walk(query: (db: Firestore) => Query, limit: number): Promise<string[]> {
      const seen: string[] = [];
      let after: Cursor | null = null;
      do {
        const page: Page<DocumentData> = await store.readPage(query(store.db), after, limit);
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

    test('begin behind a document that is gone', async () => {
      await seed({ 'things/a': {}, 'things/b': {}, 'things/c': {} });
      const query = store.db.collection('things');
      const first = await store.readPage(query, null, 2);
      const { shard } = await readTurn();
      const [, last = expect.fail('no second document')] = first.documents;
      const after = { ...shard.value, cursor: first.positionOf(last) };
      await store.commitTurn('r1', shard, after, [{ kind: 'delete', ref: store.db.doc('things/b') }]);
      const second = await store.readPage(query, (await readTurn()).shard.value.cursor, 2);
      expect(second.documents.map(({ id }) => id)).toEqual(['c']);
    });
  });
}
