import { beforeEach, describe, expect, test } from 'vitest';
import type { IterativeTask } from '../../lib/core/definition.ts';
import { iterativeTask, retryRun } from '../../lib/index.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import { takeLast } from '../support/runs.ts';
import {
  base,
  db,
  ports,
  putThings,
  setAside,
  start,
  visit,
  visits,
  walkOut,
  type Each,
} from './walk.fixture.ts';

beforeEach(putThings);

/** Ids of the documents that fail. */
let poisoned: string;
let completions: number[];

beforeEach(() => {
  completions = [];
});

const each: Each = (document, ctx) => {
  void visit(document, ctx);
  if (poisoned.includes(document.id)) throw new Error('poison');
};
const walk = iterativeTask({
  ...base,
  onError: 'quarantine',
  tries: 1,
  each,
  onComplete: (ctx) => void completions.push(ctx.processed),
});

/** Delivers what was enqueued last, until the run has ended. */
async function toTheEnd(task: IterativeTask): Promise<string> {
  for (let deliveries = 0; deliveries < 50; deliveries += 1) {
    const outcome = await takeLast(task, ports).catch(({ message }: Error) => message);
    if (outcome === 'completed' || outcome === 'failed') return outcome;
  }
  return expect.fail('the run does not end');
}

async function shards(): Promise<Record<string, unknown>[]> {
  const { docs } = await db.collection('pageturnerRuns/r/shards').orderBy('index').get();
  return docs.map((document) => document.data());
}

describe('a completed run with documents set aside', () => {
  test('takes them again by one more shard, and does not complete a second time', async () => {
    poisoned = 'bcg';
    await start(walk);
    expect(await toTheEnd(walk)).toBe('completed');
    expect(await visits()).toBe('a1 b0 c0 d1 e1 f1 g0 h1');

    poisoned = '';
    await db.doc('things/c').delete();
    await retryRun('r', {}, ports);
    expect(await toTheEnd(walk)).toBe('completed');
    expect(await visits()).toBe('a1 b1 d1 e1 f1 g1 h1');
    expect(await setAside()).toEqual([]);
    expect(completions).toEqual([5]);
    // Three were set aside: two were taken again, and one was deleted.
    expect(await shards()).toMatchObject([
      { processed: 5, quarantined: 3 },
      { processed: 2, quarantined: -3, source: 'set-aside', state: 'done' },
    ]);
    expect((await db.doc('pageturnerRuns/r').get()).data()).toMatchObject({
      state: 'completed',
      processed: 7,
      shards: 2,
    });
  });

  test('sets those aside again that fail again, and can be retried once more', async () => {
    poisoned = 'bg';
    await start(walk);
    await toTheEnd(walk);
    poisoned = 'g';
    await retryRun('r', {}, ports);
    expect(await toTheEnd(walk)).toBe('completed');
    expect(await visits()).toBe('a1 b1 c1 d1 e1 f1 g0 h1');
    expect(await setAside()).toMatchObject([{ path: 'things/g', attempts: 1 }]);
    poisoned = '';
    await retryRun('r', {}, ports);
    expect(await toTheEnd(walk)).toBe('completed');
    expect(await visits()).toBe('a1 b1 c1 d1 e1 f1 g1 h1');
    expect(await shards()).toHaveLength(3);
    expect(completions).toHaveLength(1);
  });

  test('takes them again page by page, also where all of a page are gone', async () => {
    poisoned = 'abcdefgh';
    await start(walk);
    await toTheEnd(walk);
    poisoned = '';
    for (const id of 'abcdfg') await db.doc(`things/${id}`).delete();
    const paged = iterativeTask({ ...walk, pageSize: 1 });
    await retryRun('r', {}, ports);
    expect(await toTheEnd(paged)).toBe('completed');
    expect(await visits()).toBe('e1 h1');
    expect(await setAside()).toEqual([]);
  });

  test('sets them aside again however many there are, and says how many', async () => {
    poisoned = 'abc';
    const capped = iterativeTask({ ...walk, maxQuarantined: 3 });
    await start(capped);
    expect(await toTheEnd(capped)).toBe('completed');
    ports.log.entries.length = 0;
    const all = iterativeTask({ ...capped, maxQuarantined: 1 });
    await retryRun('r', {}, ports);
    expect(await toTheEnd(all)).toBe('completed');
    expect(await setAside()).toHaveLength(3);
    expect(ports.log.entries.map(({ message }) => message)).toContain('3 documents were set aside');
  });

  test('and none any more has nothing to retry', async () => {
    poisoned = '';
    await start(walk);
    await toTheEnd(walk);
    await expect(retryRun('r', {}, ports)).rejects.toMatchObject({
      code: 'invalid-state',
      message: 'Run r is completed and has set no document aside: there is nothing to retry.',
    });
  });
});

describe('a failed run', () => {
  const failing = iterativeTask({
    ...base,
    each,
    pageSize: 2,
    onComplete: (ctx) => void completions.push(ctx.processed),
  });

  test('goes on at its cursor with the whole budget', async () => {
    poisoned = 'c';
    await start(failing);
    expect((await walkOut(failing)).at(-1)).toBe('failed');
    await retryRun('r', {}, ports);
    expect(await shards()).toMatchObject([{ state: 'running', failures: 0, processed: 2 }]);
    expect((await shards())[0]).not.toHaveProperty('blamed');
    await expect(takeLast(failing, ports)).rejects.toThrow('poison');
    poisoned = '';
    expect(await toTheEnd(failing)).toBe('completed');
    expect(await visits()).toBe('a1 b1 c1 d1 e1 f1 g1 h1');
    expect(completions).toEqual([8]);
  });

  test('that has set documents aside takes them again too, by one shard however often it is retried', async () => {
    const capped = iterativeTask({ ...walk, pageSize: 2, maxQuarantined: 2 });
    poisoned = 'ace';
    await start(capped);
    expect(await toTheEnd(capped)).toBe('failed');
    await retryRun('r', {}, ports);
    await retryRun('r', {}, ports);
    expect(await shards()).toHaveLength(2);
    poisoned = '';
    // The tasks of both shards stand in the queue, and each enqueues more.
    for (let tasks = ports.queue.tasks.splice(0); tasks.length > 0; tasks = ports.queue.tasks.splice(0)) {
      for (const { worker, delivery } of tasks) {
        if (worker === 'walk' && delivery.kind !== 'task') await takeDelivery(capped, delivery, ports);
      }
    }
    expect(await visits()).toBe('a1 b1 c1 d1 e1 f1 g1 h1');
    expect(completions).toEqual([8]);
    expect(await setAside()).toEqual([]);
  });
});

test('a document that is met again, moved ahead in the order of a field, is set aside once, and taken again once', async () => {
  const batch = db.batch();
  for (const [rank, id] of Array.from('abcdefgh').entries()) batch.update(db.doc(`things/${id}`), { rank });
  await batch.commit();
  poisoned = 'b';
  const ordered = iterativeTask({
    ...base,
    query: (_, store) => store.collection('things').orderBy('rank'),
    onError: 'quarantine',
    tries: 1,
    pageSize: 2,
    async each(document, ctx) {
      await each(document, ctx);
      if (document.id === 'd') ctx.update(db.doc('things/b'), { rank: 9 });
    },
  });
  await start(ordered);
  expect(await toTheEnd(ordered)).toBe('completed');
  expect(await setAside()).toMatchObject([{ path: 'things/b' }]);
  expect(await shards()).toMatchObject([{ processed: 7, quarantined: 1 }]);

  poisoned = '';
  await retryRun('r', {}, ports);
  expect(await toTheEnd(ordered)).toBe('completed');
  expect(await visits()).toBe('a1 b1 c1 d1 e1 f1 g1 h1');
  expect(await setAside()).toEqual([]);
  expect(await shards()).toMatchObject([{ quarantined: 1 }, { processed: 1, quarantined: -1 }]);
});
