import { FieldValue, type Firestore } from '@google-cloud/firestore';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { TurnDelivery } from '../../lib/core/delivery.ts';
import { finishRun } from '../../lib/finish-run.ts';
import { cancelRun, iterativeTask, pauseRun, resumeRun, task } from '../../lib/index.ts';
import { startRun } from '../../lib/start-run.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { testFirestore } from '../support/firestore.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';

const child = task({ name: 'child', queue: 'children', params: z.object({}), run: () => {} });
let during: () => Promise<void>;
const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  pageSize: 2,
  query: (_, db) => db.collection('things'),
  async page(documents, ctx) {
    for (const { ref } of documents) ctx.update(ref, { visits: FieldValue.increment(1) });
    ctx.start(child, {});
    await during();
  },
});
let db: Firestore;
let ports: TestPorts;

beforeEach(async () => {
  during = async () => {};
  db = testFirestore();
  ports = testPorts(db);
  const batch = db.batch();
  for (const id of ['a', 'b', 'c']) batch.set(db.doc(`things/${id}`), { visits: 0 });
  await batch.commit();
  await startRun(walk, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports);
});

function lastTurn(): TurnDelivery {
  const turns = ports.queue.tasks.flatMap(({ delivery }) => (delivery.kind === 'turn' ? [delivery] : []));
  return turns.at(-1) ?? expect.fail('no turn');
}

async function visits(): Promise<unknown[]> {
  return (await db.collection('things').get()).docs.map((found) => found.get('visits') as unknown);
}

test.each([
  ['paused', pauseRun],
  ['canceled', cancelRun],
])('a page under way when its run is %s takes no effect', async (state, control) => {
  during = () => control('r', ports);
  expect(await takeTurn(walk, lastTurn(), ports)).toBe('void');
  expect(await visits()).toEqual([0, 0, 0]);
  expect((await db.doc('pageturnerRuns/r').get()).get('state')).toBe(state);
});

test('a paused run goes on at its cursor when it is resumed, and the tasks of before are void', async () => {
  await takeTurn(walk, lastTurn(), ports);
  const old = lastTurn();
  await pauseRun('r', ports);
  await pauseRun('r', ports);
  expect(await takeTurn(walk, old, ports)).toBe('void');
  await resumeRun('r', ports);
  expect(await takeTurn(walk, old, ports)).toBe('void');
  expect(lastTurn()).toMatchObject({ turn: 1, epoch: 2 });
  await takeTurn(walk, lastTurn(), ports);
  expect(await visits()).toEqual([1, 1, 1]);
});

test.each([
  ['paused', pauseRun],
  ['canceled', cancelRun],
])('children that a crash kept back are started when the run is %s', async (_, control) => {
  const first = lastTurn();
  await takeTurn(walk, first, ports);
  ports.queue.tasks.length = 1; // as if the worker had died before it enqueued anything
  const dead = { ...ports, queue: { enqueue: () => Promise.reject(new Error('died')) } };
  await expect(control('r', dead)).rejects.toThrow('died');
  expect(await takeTurn(walk, first, ports)).toBe('replayed');
  expect(ports.queue.tasks.map(({ worker }) => worker)).toEqual(['walk', 'child', 'walk']);
  ports.queue.tasks.length = 0;
  await control('r', ports);
  expect(ports.queue.tasks.map(({ worker }) => worker)).toEqual(['child']);
});

test('a resume that died before it enqueued is made good by another', async () => {
  await takeTurn(walk, lastTurn(), ports);
  await pauseRun('r', ports);
  ports.queue.tasks.length = 0;
  const dead = { ...ports, queue: { enqueue: () => Promise.reject(new Error('died')) } };
  await expect(resumeRun('r', dead)).rejects.toThrow('died');
  await resumeRun('r', ports);
  expect(ports.queue.tasks.map(({ worker }) => worker)).toEqual(['walk']);
});

test('a run that was paused when only its completion was left completes when it is resumed', async () => {
  await takeTurn(walk, lastTurn(), ports);
  await takeTurn(walk, lastTurn(), ports);
  await pauseRun('r', ports);
  const finish = { kind: 'finish', run: 'r', shards: 1 } as const;
  expect(await finishRun(walk, finish, ports)).toBe('void');
  await resumeRun('r', ports);
  expect(ports.queue.tasks.at(-1)?.delivery).toEqual(finish);
  expect(await finishRun(walk, finish, ports)).toBe('completed');
});

test('a canceled run cannot be resumed, and a run that is not there cannot be paused', async () => {
  await cancelRun('r', ports);
  await expect(resumeRun('r', ports)).rejects.toThrow('Run r is canceled; resume takes a run that is');
  await expect(pauseRun('none', ports)).rejects.toMatchObject({ code: 'invalid-state' });
});
