import type { Firestore, WriteBatch } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import { newShard, type RunChange, type RunRecords } from '../../../lib/core/run.ts';
import { changeRun } from '../../../lib/firestore/change-run.ts';
import { FirestoreRunStore } from '../../../lib/firestore/run-store.ts';
import { testFirestore } from '../../support/firestore.ts';
import { sampleRun } from '../../support/runs.ts';

/** A database in which something else happens between the reads of a change and each of its commits without locks. */
function disturbed(db: Firestore, disturb: () => Promise<unknown>): Firestore {
  return new Proxy(db, {
    get(target, name) {
      if (name === 'batch') return () => disturbedBatch(target.batch(), disturb);
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function disturbedBatch(batch: WriteBatch, disturb: () => Promise<unknown>): WriteBatch {
  const commit = batch.commit.bind(batch);
  batch.commit = async () => {
    await disturb();
    return await commit();
  };
  return batch;
}

describe('a change of a run between whose reads and commit', () => {
  let db: Firestore;
  let store: FirestoreRunStore;
  let seen: RunRecords[];

  beforeEach(async () => {
    db = testFirestore();
    store = new FirestoreRunStore(db);
    seen = [];
    await store.createRun(sampleRun({ shards: 2 }));
    await store.changeRun('r', () => ({ shards: [newShard(0, 1), newShard(1, 1)] }));
  });

  /** A turn of the second shard. */
  async function takeTurn(): Promise<void> {
    const found = (await store.readTurn('r', 1)) ?? expect.fail('no turn');
    const { value } = found.shard;
    expect(await store.commitTurn('r', found.shard, { ...value, turn: value.turn + 1 }, [])).toBe(
      'committed',
    );
  }

  async function pauseRun(): Promise<void> {
    await store.changeRun('r', ({ run }) => ({ run: { ...run, state: 'pausing', epoch: run.epoch + 1 } }));
  }

  const raise = (found: RunRecords): RunChange => {
    seen.push(found);
    return { run: { ...found.run, epoch: found.run.epoch + 10 } };
  };
  const turnsSeen = (): readonly (number | undefined)[] => seen.map(({ shards }) => shards[1]?.turn);
  const once = (act: () => Promise<void>): (() => Promise<void>) => {
    let isDone = false;
    return async () => {
      if (!isDone) await act();
      isDone = true;
    };
  };

  test('a shard moves on that it relies on is made again by what stands then', async () => {
    await changeRun(disturbed(db, once(takeTurn)), 'r', raise, []);
    expect(turnsSeen()).toEqual([0, 1]);
    expect(await store.getRun('r')).toMatchObject({ run: { epoch: 10 }, shards: [{ turn: 0 }, { turn: 1 }] });
  });

  test('a shard moves on that it does not rely on takes effect all the same', async () => {
    const change = (found: RunRecords): RunChange => ({ ...raise(found), reliesOn: 'written' });
    await changeRun(disturbed(db, once(takeTurn)), 'r', change, []);
    expect(turnsSeen()).toEqual([0]);
    expect(await store.getRun('r')).toMatchObject({ run: { epoch: 10 }, shards: [{ turn: 0 }, { turn: 1 }] });
  });

  test('the run is changed is made again also where it writes shards only', async () => {
    const park = ({ run, shards: [first = newShard(0, 1)] }: RunRecords): RunChange | undefined =>
      run.state === 'running' ? { shards: [{ ...first, state: 'parked' }], reliesOn: 'written' } : undefined;
    expect(await changeRun(disturbed(db, once(pauseRun)), 'r', park, [])).toBeUndefined();
    expect(await store.getRun('r')).toMatchObject({ shards: [{ state: 'running' }, { state: 'running' }] });
  });

  test('a shard moves on each time is made in a transaction, which waits for nobody in the end', async () => {
    await changeRun(disturbed(db, takeTurn), 'r', raise, []);
    expect(turnsSeen()).toEqual([0, 1, 2, 3]);
    expect(await store.getRun('r')).toMatchObject({ run: { epoch: 10 }, shards: [{ turn: 0 }, { turn: 3 }] });
  });

  test('nothing happens leaves no change of time on what it only relies on', async () => {
    const before = (await store.readTurn('r', 1))?.shard.version;
    await changeRun(db, 'r', raise, []);
    expect((await store.readTurn('r', 1))?.shard.version).toEqual(before);
  });

  test('its own writes are refused is told so, and has changed nothing', async () => {
    await db.doc('reports/r').set({ n: 0 });
    const write = { kind: 'create' as const, ref: db.doc('reports/r'), data: { n: 1 } };
    await expect(changeRun(db, 'r', raise, [write])).rejects.toMatchObject({ code: 6 });
    expect((await store.getRun('r'))?.run.epoch).toBe(0);
  });
});
