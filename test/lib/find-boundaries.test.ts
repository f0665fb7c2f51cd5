import { beforeEach, expect, test } from 'vitest';
import type { Query } from '@google-cloud/firestore';
import type { Drawing } from '../../lib/core/drawing.ts';
import { FirestoreRunStore } from '../../lib/firestore/run-store.ts';
import { iterativeTask } from '../../lib/index.ts';
import { startRun } from '../../lib/start-run.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import { takeLast } from '../support/runs.ts';
import type { TestPorts } from '../support/test-runtime.ts';
import { base, db, ports, putThings, visit } from './walk.fixture.ts';

const walk = iterativeTask({ ...base, shards: 3, each: visit });
const start = { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' };

/** A search in which each step takes so many ms, and that dies at a step. */
function slow(
  stepMs: number,
  dieAt = Number.POSITIVE_INFINITY,
): TestPorts & { readonly searchedFrom: unknown[] } {
  let now = Date.now();
  const searchedFrom: unknown[] = [];
  class SlowStore extends FirestoreRunStore {
    override async drawBoundaries(query: Query, parts: number, soFar?: Drawing): Promise<Drawing> {
      if (searchedFrom.length === dieAt) throw Object.assign(new Error('gone'), { code: 14 });
      searchedFrom.push(soFar);
      now += stepMs;
      return await super.drawBoundaries(query, parts, soFar);
    }
  }
  const clock = { ...ports.clock, now: () => now };
  return { ...ports, clock, store: new SlowStore(db), searchedFrom };
}

beforeEach(async () => {
  await putThings();
  await startRun(walk, start, ports);
});

const run = async (): Promise<Record<string, unknown>> =>
  (await db.doc('pageturnerRuns/r').get()).data() ?? {};

test('a search that dies goes on from what was kept a second before, and nothing is kept of it in the end', async () => {
  await expect(takeLast(walk, slow(600, 3))).rejects.toThrow('gone');
  const kept = (await run())['drawing'];
  expect(kept).toMatchObject({ total: 8, search: { steps: expect.any(Number) } });
  const again = slow(0);
  expect(await takeLast(walk, again)).toBe('prepared');
  expect(again.searchedFrom[0]).toEqual(kept);
  expect(await run()).toMatchObject({ state: 'running', shards: 3, total: 8 });
  expect((await run())['drawing']).toBeUndefined();
});

test('a search that takes half of the time of its invocation is gone on with by another task', async () => {
  expect(await takeLast(walk, slow(31_000))).toBe('continued');
  expect(
    ports.queue.tasks.map(({ delivery }) => [delivery.kind, 'epoch' in delivery && delivery.epoch]),
  ).toEqual([
    ['prepare', 0],
    ['prepare', 1],
  ]);
  expect(await takeLast(walk, slow(0))).toBe('prepared');
});

test('a death before that other task is enqueued is made good by the delivery that comes again', async () => {
  const dead = { enqueue: () => Promise.reject(new Error('died')), tasks: ports.queue.tasks };
  await expect(takeLast(walk, { ...slow(31_000), queue: dead as never })).rejects.toThrow('died');
  expect(ports.queue.tasks).toHaveLength(1);
  expect(await takeDelivery(walk, { kind: 'prepare', run: 'r', epoch: 0 }, ports)).toBe('replayed');
  expect(await takeLast(walk, ports)).toBe('prepared');
});

test('a search stops when another preparation was quicker', async () => {
  const late = slow(600);
  const quicker = takeLast(walk, ports);
  class LateStore extends FirestoreRunStore {
    override async drawBoundaries(query: Query, parts: number, soFar?: Drawing): Promise<Drawing> {
      await quicker;
      return await late.store.drawBoundaries(query, parts, soFar);
    }
  }
  expect(
    await takeDelivery(walk, { kind: 'prepare', run: 'r', epoch: 0 }, { ...late, store: new LateStore(db) }),
  ).toBe('replayed');
  expect((await run())['state']).toBe('running');
});

test('a slower duplicate does not throw away how far another search has come, and goes on from there', async () => {
  const slower = slow(1_000);
  const delivery = { kind: 'prepare' as const, run: 'r', epoch: 0 };
  class DelayedStore extends FirestoreRunStore {
    override async drawBoundaries(query: Query, parts: number, soFar?: Drawing): Promise<Drawing> {
      const drawing = await slower.store.drawBoundaries(query, parts, soFar);
      // Meanwhile the other one takes three steps, and dies.
      if (soFar === undefined)
        await expect(takeDelivery(walk, delivery, slow(1_000, 3))).rejects.toThrow('gone');
      return drawing;
    }
  }
  expect(await takeDelivery(walk, delivery, { ...slower, store: new DelayedStore(db) })).toBe('prepared');
  expect(slower.searchedFrom[0]).toBeUndefined();
  expect(slower.searchedFrom[1]).toMatchObject({ search: { steps: 2 } });
});
