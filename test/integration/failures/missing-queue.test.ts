import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { createTasksClient } from '../../../lib/cloud-tasks/client.ts';
import { cancelRun, getRun, healRuns, iterativeTask, retryRun, task } from '../../../lib/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import type { Ports } from '../../../lib/ports.ts';
import { prepareRun } from '../../../lib/prepare-run.ts';
import { startOn } from '../../../lib/start-task.ts';
import { takeTurn } from '../../../lib/take-turn.ts';
import { testFirestore } from '../../support/firestore.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';

const location = 'europe-west1';
const child = task({ name: 'child', queue: 'missing', params: z.object({}), run: () => {} });
const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  query: (_, db) => db.collection('things'),
  each: (_, ctx) => ctx.start(child, {}),
});

let project: string;
let emulator: Emulator;
let ports: Ports;

beforeEach(async () => {
  project = `missing-${crypto.randomUUID().slice(0, 8)}`;
  // Nothing is delivered by itself: the queue is held.
  const queues = [{ name: 'iterate', state: 'PAUSED' as const }];
  emulator = await startEmulator({ port: 0, project, location, queues });
  onTestFinished(() => emulator.close());
  ({ ports } = createRuntime(toolkitEnvironment(emulator, project, 'http://127.0.0.1:9')));
  const db = testFirestore(project);
  await db.doc('things/a').set({});
});

async function createQueue(id: string): Promise<void> {
  const client = createTasksClient(`${emulator.host}:${emulator.port}`);
  const parent = client.locationPath(project, location);
  await client.createQueue({ parent, queue: { name: `${parent}/queues/${id}` } });
  await client.pauseQueue({ name: `${parent}/queues/${id}` });
  await client.close();
}

async function tasksOf(id: string): Promise<number> {
  const client = createTasksClient(`${emulator.host}:${emulator.port}`);
  const [tasks] = await client.listTasks({ parent: client.queuePath(project, location, id) });
  await client.close();
  return tasks.length;
}

test('a run that is started into a queue that does not exist ends with the reason, frees its key, and is taken up again by a retry', async () => {
  const lost = { ...walk, queue: 'missing' };
  const options = { startedBy: 'test', key: 'k', idempotencyKey: 'once' };
  const missing = `Queue "missing" does not exist in ${project}, ${location}: create it`;
  await expect(startOn(ports, lost, {}, options)).rejects.toThrow(missing);
  const [run = expect.fail('no run')] = (await testFirestore(project).collection('pageturnerRuns').get())
    .docs;
  expect(run.data()).toMatchObject({
    state: 'failed',
    error: { message: expect.stringContaining(missing) },
  });
  const other = await startOn(ports, walk, {}, { startedBy: 'test', key: 'k' });
  await cancelRun('runId' in other ? other.runId : expect.fail('no run'), { force: true }, ports);
  await createQueue('missing');
  await retryRun(run.id, {}, ports);
  expect(await getRun(run.id, ports.store)).toMatchObject({ state: 'starting' });
  expect(await tasksOf('missing')).toBe(1);
});

test('a page whose child goes into a queue that does not exist says so in its shard, and its run can be stopped by force', async () => {
  const { runId } = (await startOn(ports, walk, {}, { startedBy: 'test' })) as { runId: string };
  await prepareRun(walk, { kind: 'prepare', run: runId, epoch: 0 }, ports);
  const turn = { kind: 'turn', run: runId, shard: 0, turn: 0, epoch: 0, cursor: null } as const;
  for (let attempts = 0; attempts < 2; attempts += 1) {
    await expect(takeTurn(walk, turn, ports)).rejects.toThrow('Queue "missing" does not exist');
  }
  const message = expect.stringContaining('Queue "missing" does not exist');
  expect(await getRun(runId, ports.store)).toMatchObject({ state: 'running', lastError: { message } });
  await cancelRun(runId, { force: true }, ports);
  expect(await getRun(runId, ports.store)).toMatchObject({ state: 'canceled' });
  // What its committed page started is started all the same, as soon as there is a queue for it.
  await createQueue('missing');
  const later = { ...ports, clock: { ...ports.clock, now: () => Date.now() + 11 * 60_000 } };
  await healRuns({}, later);
  expect(await tasksOf('missing')).toBe(1);
  await healRuns({}, later);
  expect(await tasksOf('missing')).toBe(1);
});
