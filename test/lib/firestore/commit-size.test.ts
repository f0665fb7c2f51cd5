import { Firestore, type DocumentData } from '@google-cloud/firestore';
import { expect, test } from 'vitest';
import type { Write } from '../../../lib/core/write.ts';
import { mustFit } from '../../../lib/firestore/commit-size.ts';
import { newShard, type RunChange } from '../../../lib/core/run.ts';
import { FirestoreRunStore } from '../../../lib/firestore/run-store.ts';
import { testFirestore } from '../../support/firestore.ts';
import { sampleRun } from '../../support/runs.ts';
import { wireBytes } from '../../support/wire-bytes.ts';

const mostBytes = 4 * 1024 * 1024;

function setting(db: Firestore, data: DocumentData, count = 1): Write[] {
  return Array.from({ length: count }, (_, n) => ({ kind: 'set', ref: db.doc(`things/${n}`), data }));
}

function batchBytes(db: Firestore, writes: readonly Write[]): number {
  const batch = db.batch();
  for (const write of writes) if (write.kind === 'set') batch.set(write.ref, write.data);
  return wireBytes(db, batch);
}

const nested: DocumentData = { a: { b: { c: { d: { e: { f: [{ g: 1 }, { h: null }] } } } } } };

test.each([
  ['tiny writes', 10_000, { n: 1 }],
  ['deep maps', 2_000, nested],
  ['long names of fields', 10_000, { ['quiteLong'.repeat(20)]: true }],
  ['texts beyond ASCII', 10_000, { größe: '名前'.repeat(10), '🙂': '🙂'.repeat(10) }],
  ['many small fields', 200, Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`f${n}`, n]))],
])('a commit of %s is refused from the very size on that no server takes', (_, count, data) => {
  const db = new Firestore({ projectId: 'p' });
  const padded = (length: number): Write[] => [
    ...setting(db, data, count),
    { kind: 'set', ref: db.doc('padding/p'), data: { text: 'x'.repeat(length) } },
  ];
  const left = mostBytes - batchBytes(db, padded(1_000_000)) + 1_000_000;
  expect(() => mustFit(padded(left + 1))).toThrow('than the 4 MiB that a commit may have.');
  expect(() => mustFit(padded(left - 512))).not.toThrow();
});

test('the refusal says how many writes are asked for', () => {
  const db = new Firestore({ projectId: 'p' });
  expect(() => mustFit(setting(db, { quiteALongNameOfAField: 1 }, 80_000))).toThrow(
    "80000 writes are asked for, which with the run's own records are more than the 4 MiB that a commit may have.",
  );
});

test('a value that holds itself many times is no endless count', () => {
  const db = new Firestore({ projectId: 'p' });
  const self: Record<string, unknown> = {};
  for (const key of 'abcdefgh') self[key] = self;
  expect(() => mustFit(setting(db, self))).toThrow('4 MiB');
});

test("a commit just below the limit is one that Google's emulator takes, and one just above it is not sent", async () => {
  const db = testFirestore();
  const store = new FirestoreRunStore(db);
  await store.createRun(sampleRun());
  await store.changeRun('r', () => ({ shards: [newShard(0, 0)] }));
  const { shard } = (await store.readTurn('r', 0)) ?? expect.fail('no turn');
  const writes = (padding: number): Write[] => [
    ...setting(db, { text: 'x'.repeat(800_000) }, 5),
    { kind: 'set', ref: db.doc('padding/p'), data: { text: 'x'.repeat(padding) } },
  ];
  const left = mostBytes - batchBytes(db, writes(100_000)) + 100_000;
  const after = { ...shard.value, turn: 1 };
  await expect(store.commitTurn('r', shard, after, writes(left))).rejects.toThrow('6 writes are asked for');
  expect(await store.commitTurn('r', shard, after, writes(left - 2000))).toBe('committed');
});

test('what a change of a run writes besides what was asked for counts: the run, its shards and the run that follows', async () => {
  const db = testFirestore();
  const store = new FirestoreRunStore(db);
  const run = sampleRun({ shards: 100, params: JSON.stringify('p'.repeat(100_000)) });
  await store.createRun(run);
  const change = (): RunChange => ({
    run: { ...run, epoch: 1 },
    shards: Array.from({ length: 100 }, (_, index) => newShard(index, 0)),
    follower: { ...run, id: 'next' },
  });
  const writes = (padding: number): Write[] => [
    ...setting(db, { text: 'x'.repeat(800_000) }, 5),
    { kind: 'set', ref: db.doc('padding/p'), data: { text: 'x'.repeat(padding) } },
  ];
  const left = mostBytes - batchBytes(db, writes(100_000)) + 100_000 - 512;
  expect(() => mustFit(writes(left))).not.toThrow();
  await expect(store.changeRun('r', change, writes(left - 100_000))).rejects.toMatchObject({
    code: 'too-large',
    message: expect.stringContaining("6 writes are asked for, which with the run's own records are more"),
  });
  expect((await store.getRun('r'))?.run.epoch).toBe(0);
  await store.changeRun('r', change, writes(left - 160_000));
  expect(await store.getRun('r')).toMatchObject({ run: { epoch: 1 }, shards: { length: 100 } });
});

test('a change of many shards carries of each what changes, not its state', async () => {
  const store = new FirestoreRunStore(testFirestore());
  await store.createRun(sampleRun({ shards: 24 }));
  const shards = Array.from({ length: 24 }, (_, index) => ({
    ...newShard(index, 0),
    result: JSON.stringify('s'.repeat(250_000)),
  }));
  for (const half of [shards.slice(0, 12), shards.slice(12)])
    await store.changeRun('r', () => ({ shards: half }));
  await store.changeRun('r', (found) => ({
    shards: found.shards.map((shard) => ({ ...shard, epoch: 1, heldUntil: 5 })),
  }));
  await store.changeRun('r', () => ({
    shards: shards.map((shard) => ({ ...shard, epoch: 2 })),
  }));
  expect((await store.getRun('r'))?.shards).toEqual(shards.map((shard) => ({ ...shard, epoch: 2 })));
});
