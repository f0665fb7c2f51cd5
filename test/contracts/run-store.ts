import type { DocumentReference } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Cursor } from '../../lib/core/cursor.ts';
import { newShard, type Run } from '../../lib/core/run.ts';
import type { RunStore } from '../../lib/ports.ts';
import { sampleRun } from '../support/runs.ts';

const run = sampleRun({
  id: 'r1',
  params: '{"nested":[[1]]}',
  shards: 2,
  boundaries: ['things/m'],
  versions: [1, 'two'],
  documentsPerSecond: 0.5,
  walking: 1,
  createdAt: 1_700_000_000_123,
  updatedAt: 1_700_000_000_125,
  at: 1_700_000_000_124,
  callbacks: ['onPause'],
  lastOwed: 2,
  owed: [
    {
      name: 'onPause',
      number: 2,
      epoch: 1,
      state: 'paused',
      cause: { at: 5, by: 'code' },
      failures: 1,
      notBefore: 9,
    },
  ],
  callbackError: { message: 'm', at: 1_700_000_000_126, callback: 'onPause' },
  history: [
    {
      event: 'prepared',
      state: 'running',
      at: 1_700_000_000_125,
      by: 'worker',
      reason: 'why',
      documentsPerSecond: null,
    },
  ],
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

    test('tell when they were written, each time anew', async () => {
      const first = await readTurn();
      const before = Date.now();
      await store.changeRun('r1', ({ run: found }) => ({
        run: { ...found, updatedAt: found.updatedAt + 1 },
      }));
      const second = await readTurn();
      expect(first.run.writtenAt).toBeLessThanOrEqual(before + 1);
      expect(second.run.writtenAt).toBeGreaterThanOrEqual(before - 1);
      expect(second.run.writtenAt).toBeLessThanOrEqual(Date.now() + 1);
      expect(second.shard.writtenAt).toBe(first.shard.writtenAt);
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
        blamed: { document: 'things/b', failures: 1 },
        quarantined: 3,
        pageSize: 50,
        notBefore: 1_700_000_000_128,
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
}
