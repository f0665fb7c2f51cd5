import { FieldValue, type Firestore } from '@google-cloud/firestore';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { TurnDelivery } from '../../lib/core/delivery.ts';
import { FatalTaskError, healRuns, iterativeTask, pauseRun, resumeRun, task } from '../../lib/index.ts';
import type { Clock, Ports } from '../../lib/ports.ts';
import { startRun } from '../../lib/start-run.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { testFirestore } from '../support/firestore.ts';
import { begin, takeLast } from '../support/runs.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';

const child = task({ name: 'child', queue: 'children', params: z.object({}), run: () => {} });
/** Whether a service that the handler needs is not there. */
let isAway = false;
let isFatal = false;
const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  pageSize: 2,
  query: (_, db) => db.collection('things'),
  page(documents, ctx) {
    if (isFatal) throw new FatalTaskError('for good');
    if (isAway) throw Object.assign(new Error('away'), { code: 14, details: 'away' });
    for (const { ref } of documents) ctx.update(ref, { visits: FieldValue.increment(1) });
    ctx.start(child, {});
  },
});
const start = { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' };
const dead = { enqueue: () => Promise.reject(new Error('died')), has: () => Promise.resolve(false) };
let db: Firestore;
let ports: TestPorts;
/** The same, eleven minutes from now. */
let later: TestPorts;
/** And twenty-two. */
let muchLater: TestPorts;

beforeEach(async () => {
  isAway = false;
  isFatal = false;
  db = testFirestore();
  ports = testPorts(db);
  muchLater = { ...ports, clock: ahead(ports.clock, 22 * 60_000) };
  later = { ...ports, clock: ahead(ports.clock, 11 * 60_000) };
  const batch = db.batch();
  for (const id of ['a', 'b', 'c']) batch.set(db.doc(`things/${id}`), { visits: 0 });
  await batch.commit();
});

function ahead(clock: Clock, ms: number): Clock {
  return { ...clock, now: () => clock.now() + ms };
}

function turns(): TurnDelivery[] {
  return ports.queue.tasks.flatMap(({ delivery }) => (delivery.kind === 'turn' ? [delivery] : []));
}

function lastTurn(): TurnDelivery {
  return turns().at(-1) ?? expect.fail('no turn');
}

/** What a purge leaves: no task. Their names are forgotten too, as they are after an hour. */
function purge(): void {
  ports.queue.tasks.length = 0;
}

async function visits(): Promise<unknown[]> {
  return (await db.collection('things').get()).docs.map((found) => found.get('visits') as unknown);
}

test('a run whose queue was purged goes on at its cursor and ends, each document handled once', async () => {
  await begin(walk, ports);
  await takeTurn(walk, lastTurn(), ports);
  purge();
  expect(await healRuns({}, later)).toEqual({ seen: 1, healed: ['r'], failed: [] });
  expect(lastTurn()).toMatchObject({ turn: 1, epoch: 1 });
  await takeTurn(walk, lastTurn(), ports);
  expect(await takeLast(walk, ports)).toBe('walked');
  purge();
  expect(await healRuns({}, later)).toEqual({ seen: 1, healed: ['r'], failed: [] });
  expect(await takeLast(walk, ports)).toBe('completed');
  expect(await visits()).toEqual([1, 1, 1]);
});

test('a chain whose task is in the queue is left alone, however long it has been still', async () => {
  await begin(walk, ports);
  expect(await healRuns({}, later)).toEqual({ seen: 1, healed: [], failed: [] });
  await takeTurn(walk, lastTurn(), ports);
  expect(await healRuns({}, later)).toEqual({ seen: 1, healed: [], failed: [] });
  expect(turns().map(({ epoch }) => epoch)).toEqual([0, 0]);
});

test('a shard that has moved within the quiet time is left alone', async () => {
  await begin(walk, ports);
  purge();
  expect(await healRuns({}, ports)).toMatchObject({ healed: [] });
  expect(await healRuns({ quietSeconds: 3600 }, later)).toMatchObject({ healed: [] });
  expect(await healRuns({ quietSeconds: 60 }, later)).toMatchObject({ healed: ['r'] });
});

test('a chain that moves on while the healer asks the queue is not doubled', async () => {
  await begin(walk, ports);
  const first = lastTurn();
  const has = async (): Promise<boolean> => {
    await takeTurn(walk, first, ports);
    return false; // its task has been dealt with by now
  };
  const queue = Object.assign(Object.create(ports.queue), { has }) as TestPorts['queue'];
  expect(await healRuns({}, { ...later, queue })).toMatchObject({ healed: [] });
  expect(turns().map(({ turn, epoch }) => [turn, epoch])).toEqual([
    [0, 0],
    [1, 0],
  ]);
});

test('of two healers at the same moment one restarts the chain', async () => {
  await begin(walk, ports);
  purge();
  const reports = await Promise.all([healRuns({}, later), healRuns({}, later)]);
  expect(reports.flatMap(({ healed }) => healed)).toEqual(['r']);
  expect(turns().map(({ epoch }) => epoch)).toEqual([1]);
});

test('the old task of a chain that only seemed dead is void', async () => {
  await begin(walk, ports);
  const old = lastTurn();
  purge();
  await healRuns({}, later);
  expect(await takeTurn(walk, old, ports)).toBe('void');
  expect(await takeTurn(walk, lastTurn(), ports)).toBe('committed');
  expect(await takeTurn(walk, old, ports)).toBe('replayed');
  expect(turns().map(({ turn, epoch }) => [turn, epoch])).toEqual([
    [0, 1],
    [1, 1],
  ]);
});

test('a start that died half-way is made good, at the time it was for', async () => {
  const at = Date.now() + 3_600_000;
  await expect(startRun(walk, { ...start, at }, { ...ports, queue: dead })).rejects.toThrow('died');
  expect(await healRuns({}, later)).toMatchObject({ healed: ['r'] });
  expect(ports.queue.tasks).toMatchObject([{ at, delivery: { kind: 'prepare', epoch: 1 } }]);
});

test('children that a crash and a purge kept back are started', async () => {
  await begin(walk, ports);
  await expect(takeTurn(walk, lastTurn(), { ...ports, queue: dead })).rejects.toThrow('died');
  purge();
  await healRuns({}, later);
  expect(ports.queue.tasks.map(({ worker }) => worker)).toEqual(['child', 'walk']);
});

test('a chain that dies again and again has the children of its last page enqueued once, however long that takes', async () => {
  await begin(walk, ports);
  await takeTurn(walk, lastTurn(), ports);
  for (const healing of [later, muchLater]) {
    purge();
    await healRuns({}, healing);
  }
  expect(ports.queue.tasks).toMatchObject([{ worker: 'walk', delivery: { turn: 1, epoch: 2 } }]);
});

test('a page that fails has shown that the children of the page before are enqueued, and the healer does not do it again', async () => {
  await begin(walk, ports);
  await takeTurn(walk, lastTurn(), ports);
  isAway = true;
  await expect(takeTurn(walk, lastTurn(), ports)).rejects.toThrow('away');
  purge();
  await healRuns({}, later);
  expect(ports.queue.tasks).toMatchObject([{ worker: 'walk', delivery: { turn: 1, epoch: 1 } }]);
});

test('a page that ends its run has shown it as well', async () => {
  await begin(walk, ports);
  await takeTurn(walk, lastTurn(), ports);
  purge();
  isFatal = true;
  const turn = { kind: 'turn', run: 'r', shard: 0, turn: 1, epoch: 0, cursor: null } as const;
  expect(await takeTurn(walk, turn, ports)).toBe('failed');
  await healRuns({}, later);
  expect(ports.queue.tasks).toEqual([]);
});

test('a run of which only the completion was lost completes', async () => {
  await begin(walk, ports);
  await takeTurn(walk, lastTurn(), ports);
  await takeTurn(walk, lastTurn(), ports);
  purge();
  await healRuns({}, later);
  expect(ports.queue.tasks.at(-1)?.delivery).toEqual({ kind: 'finish', run: 'r', shard: 0, epoch: 1 });
});

test('a healing that died before it enqueued is told, keeps no other run back, and is made good by the next', async () => {
  await begin(walk, ports);
  await startRun(walk, { ...start, run: 's' }, ports);
  await takeLast(walk, ports);
  purge();
  const dying: Ports['queue'] = {
    has: () => Promise.resolve(false),
    enqueue: (queued) =>
      'run' in queued.delivery && queued.delivery.run === 'r' ? dead.enqueue() : ports.queue.enqueue(queued),
  };
  const report = await healRuns({}, { ...later, queue: dying });
  expect(report).toEqual({ seen: 2, healed: ['s'], failed: [{ run: 'r', message: 'died' }] });
  expect(await healRuns({}, muchLater)).toMatchObject({ healed: ['r'] });
  expect(turns()).toMatchObject([{ run: 's' }, { run: 'r', epoch: 2 }]);
});

test('a paused run is not touched, and a resume that died half-way is made good', async () => {
  await begin(walk, ports);
  await pauseRun('r', { force: true }, ports);
  purge();
  expect(await healRuns({}, later)).toEqual({ seen: 0, healed: [], failed: [] });
  await expect(resumeRun('r', {}, { ...ports, queue: dead })).rejects.toThrow('died');
  expect(await healRuns({}, later)).toMatchObject({ healed: ['r'] });
  expect(lastTurn()).toMatchObject({ turn: 0, epoch: 3 });
});

test('more runs than are listed at once are all seen', async () => {
  const runs = Array.from({ length: 101 }, (_, index) => `run-${index}`);
  await Promise.all(runs.map((run) => startRun(walk, { ...start, run }, ports)));
  purge();
  const { seen, healed } = await healRuns({}, later);
  expect(seen).toBe(101);
  expect([...healed].toSorted()).toEqual(runs.toSorted());
});

test.each([Number.NaN, -5, Infinity, '5', {}])(
  'quietSeconds %j are refused, and nothing is looked at',
  async (quietSeconds) => {
    await begin(walk, ports);
    ports.queue.tasks.length = 0;
    const healing = healRuns({ quietSeconds: quietSeconds as number }, muchLater);
    await expect(healing).rejects.toMatchObject({
      code: 'invalid-parameters',
      message: expect.stringMatching(/^quietSeconds .*: write seconds from 0 on, such as 600\.$/),
    });
    expect(ports.queue.tasks).toEqual([]);
  },
);
