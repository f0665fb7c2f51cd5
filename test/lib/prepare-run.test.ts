import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { TurnDelivery } from '../../lib/core/delivery.ts';
import { FirestoreRunStore } from '../../lib/firestore/run-store.ts';
import { FatalTaskError, iterativeTask, pauseRun, retryRun } from '../../lib/index.ts';
import { startRun } from '../../lib/start-run.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { changed } from '../support/changed.ts';
import { begin, takeLast } from '../support/runs.ts';
import {
  allVisitedOnce,
  base,
  children,
  db,
  lastAttempt,
  ports,
  putThings,
  start,
  visit,
  visits,
} from './walk.fixture.ts';

const dead = { enqueue: () => Promise.reject(new Error('died')), has: () => Promise.resolve(false) } as never;
const runStart = { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' };

beforeEach(putThings);

function turns(): TurnDelivery[] {
  return ports.queue.tasks.flatMap(({ delivery }) => (delivery.kind === 'turn' ? [delivery] : []));
}

test('a run of several shards is walked when the last of them is, whichever that is', async () => {
  const walk = iterativeTask({ ...base, each: visit });
  await begin(walk, ports, 3);
  expect(new Set(turns().map(({ shard }) => shard))).toEqual(new Set([0, 1, 2]));
  for (const [place, turn] of turns().entries()) {
    await takeTurn(walk, turn, ports);
    expect(await takeLast(walk, ports)).toBe(place < 2 ? 'shards-left' : 'walked');
  }
  expect(await takeLast(walk, ports)).toBe('completed');
  expect(await visits()).toBe(allVisitedOnce);
  expect((await db.doc('pageturnerRuns/r').get()).data()).toMatchObject({
    processed: 8,
    total: 8,
    shards: 3,
  });
});

test('a run is not walked while a shard that is done has not enqueued what its last page started', async () => {
  const walk = iterativeTask({ ...base, each: visit });
  await begin(walk, ports, 2);
  const [one, other] = turns();
  if (one === undefined || other === undefined) return expect.fail('no two turns');
  await expect(takeTurn(walk, one, { ...ports, queue: dead })).rejects.toThrow('died');
  await takeTurn(walk, other, ports);
  expect(await takeLast(walk, ports)).toBe('shards-left');
  expect(await takeTurn(walk, one, ports)).toBe('replayed');
  expect(await takeLast(walk, ports)).toBe('walked');
  expect(children().toSorted().join('')).toBe('abcdefgh');
});

test('a start that comes again with other parameters is refused, and names the run', async () => {
  const walk = iterativeTask({ ...base, params: z.object({ n: z.number(), m: z.number() }), each: visit });
  const start = { ...runStart, params: { n: 1, m: 2 } };
  expect(await startRun(walk, start, ports)).toBe('started');
  expect(await startRun(walk, { ...start, params: { m: 2, n: 1 } }, ports)).toBe('exists');
  await expect(startRun(walk, { ...start, params: { n: 2, m: 2 } }, ports)).rejects.toThrow(
    'Run r was started with this idempotency key and other parameters',
  );
});

test('the last word of a shard that is not seen to be done is sent back', async () => {
  const walk = iterativeTask({ ...base, each: visit });
  await start(walk);
  const finish = { kind: 'finish', run: 'r', shard: 0, epoch: 0 } as const;
  await expect(takeDelivery(walk, finish, ports)).rejects.toMatchObject({ code: 'too-early' });
});

test('a preparation that finds another quicker, which died before it enqueued the first turn, enqueues it', async () => {
  let dead: () => Promise<void> = async () => {};
  const walk = iterativeTask({
    ...base,
    page: () => {},
    query(_, store) {
      void dead();
      return store.collection('things');
    },
  });
  await startRun(walk, runStart, ports);
  const dying = { enqueue: () => Promise.reject(new Error('died')), has: () => Promise.resolve(false) };
  const quicker = takeLast(walk, {
    ...ports,
    queue: Object.assign(dying, { tasks: ports.queue.tasks }) as never,
  });
  dead = async () => void (await quicker.catch(() => {}));
  const outcomes = await Promise.allSettled([quicker, takeLast(walk, ports)]);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(ports.queue.tasks.map(({ delivery }) => delivery.kind)).toEqual(['prepare', 'turn']);
});

test('a run that was paused when its preparation and the pause had died comes to a stand when the preparation comes again', async () => {
  const walk = iterativeTask({ ...base, each: visit });
  await startRun(walk, { ...runStart, shards: 2 }, ports);
  const prepare = ports.queue.tasks.at(-1)?.delivery;
  if (prepare?.kind !== 'prepare') return expect.fail('no preparation');
  await expect(takeDelivery(walk, prepare, { ...ports, queue: dead })).rejects.toThrow('died');
  await expect(pauseRun('r', {}, { ...ports, queue: dead })).rejects.toThrow('died');
  expect(await takeDelivery(walk, prepare, ports)).toBe('replayed');
  for (const turn of turns()) expect(await takeTurn(walk, turn, ports)).toBe('parked');
  expect((await db.doc('pageturnerRuns/r').get()).get('state')).toBe('paused');
  expect(await takeDelivery(walk, prepare, ports)).toBe('void');
});

test('a preparation that fails when another has prepared the run leaves it running', async () => {
  let during = async (): Promise<void> => {};
  const walk = iterativeTask({ ...base, each: visit });
  await startRun(walk, runStart, ports);
  class SlowStore extends FirestoreRunStore {
    override async count(): Promise<number> {
      await during();
      throw new FatalTaskError('no such program');
    }
  }
  during = async () => void (await takeLast(walk, ports));
  const slow = { ...ports, store: new SlowStore(db) };
  const prepare = { kind: 'prepare', run: 'r', epoch: 0 } as const;
  await expect(takeDelivery(walk, prepare, slow)).rejects.toThrow('no such program');
  expect(await takeDelivery(walk, prepare, slow)).toBe('replayed');
  expect((await db.doc('pageturnerRuns/r').get()).get('state')).toBe('running');
});

test('a run whose preparation failed is prepared when it is retried, and the error is gone', async () => {
  let isBroken = true;
  const walk = iterativeTask({
    ...base,
    each: visit,
    query(params, store) {
      if (isBroken) throw new FatalTaskError('no such program');
      return base.query(params, store);
    },
  });
  await startRun(walk, runStart, ports);
  expect(await takeLast(walk, ports)).toBe('failed');
  isBroken = false;
  await retryRun('r', {}, ports);
  const run = await db.doc('pageturnerRuns/r').get();
  expect([run.get('state'), run.get('error')]).toEqual(['starting', undefined]);
  expect(await takeLast(walk, ports)).toBe('prepared');
});

test('a query that throws uses up the failure budget, and the run ends with its cause', async () => {
  const walk = iterativeTask({
    ...base,
    maxFailures: 2,
    each: visit,
    query() {
      throw new Error('no such index');
    },
  });
  await startRun(walk, runStart, ports);
  await expect(takeLast(walk, ports)).rejects.toThrow('no such index');
  expect((await db.doc('pageturnerRuns/r').get()).data()).toMatchObject({ state: 'starting', failures: 1 });
  expect(await takeLast(walk, ports)).toBe('failed');
  expect((await db.doc('pageturnerRuns/r').get()).data()).toMatchObject({
    state: 'failed',
    error: { message: 'no such index', stack: expect.stringContaining('prepare-run.test') },
  });
});

test.each([
  ['undefined', () => {}],
  ['a promise', async () => db.collection('things')],
  ['something of type string', () => 'things'],
])('a query that returns %s ends the run at once, and says what to return', async (what, query) => {
  const walk = iterativeTask({ ...base, query: query as never, each: visit });
  await startRun(walk, runStart, ports);
  expect(await takeLast(walk, ports)).toBe('failed');
  expect((await ports.store.getRun('r'))?.run.error?.message).toBe(
    `query of task "walk" returned ${what}: return a Firestore query, such as db.collection('students').`,
  );
});

test('what the platform fails at is no failure of the preparation, and a last attempt begins it anew', async () => {
  const walk = iterativeTask({ ...base, maxFailures: 1, each: visit });
  await startRun(walk, runStart, ports);
  const broken = changed(ports.store, {
    count: () =>
      Promise.reject(Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: 'UNAVAILABLE' })),
  });
  const prepare = { kind: 'prepare', run: 'r', epoch: 0 } as const;
  await expect(takeDelivery(walk, prepare, { ...ports, store: broken })).rejects.toThrow('UNAVAILABLE');
  expect(await takeDelivery(walk, prepare, { ...ports, store: broken }, lastAttempt)).toBe('restarted');
  expect(await takeLast(walk, ports)).toBe('prepared');
});

test('a run that cannot be parted as it is asked to fails before its first page, and says why', async () => {
  const walk = iterativeTask({
    ...base,
    shards: 2,
    query: (_, store) => store.collection('things').orderBy('visits'),
    page: () => expect.fail('called'),
  });
  await startRun(walk, runStart, ports);
  expect(await takeLast(walk, ports)).toBe('failed');
  expect((await db.doc('pageturnerRuns/r').get()).data()).toMatchObject({
    state: 'failed',
    error: { message: expect.stringContaining('shards are ranges of document names') },
  });
});
