import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../../cli/local/ports.ts';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { iterativeTask, task, worker } from '../../../lib/index.ts';
import { createRuntime, type Runtime } from '../../../lib/runtime.ts';
import { startOn } from '../../../lib/start-task.ts';
import { testFirestore } from '../../support/firestore.ts';
import { untilEnded } from '../../support/runs.ts';
import { serveFunctions } from '../../support/serve-functions.ts';
import { RecordingLog } from '../../support/recording.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';

const poison = (): never => {
  throw new Error('no such template');
};
const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  query: (_, db) => db.collection('things'),
  each: poison,
});
/** What `once` does. */
let handle: () => void | Promise<void> = poison;
const once = task({ name: 'once', queue: 'iterate', params: z.object({}), run: () => handle() });

async function world(project: string): Promise<{ emulator: Emulator; runtime: Runtime }> {
  const emulator = await startEmulator({
    port: 0,
    project,
    location: 'europe-west1',
    queues: [
      { name: 'iterate', retryConfig: { maxAttempts: 3, minBackoff: '0.05s' } },
      { name: 'timed', retryConfig: { maxAttempts: 2, maxRetryDuration: '900s', minBackoff: '0.05s' } },
      { name: 'endless', retryConfig: { maxAttempts: -1 } },
    ],
  });
  onTestFinished(() => emulator.close());
  const port = await freePort({ port: 0, service: 'the worker', setting: 'the test' });
  const real = createRuntime(toolkitEnvironment(emulator, project, `http://127.0.0.1:${port}`));
  const runtime = { ...real, ports: { ...real.ports, log: new RecordingLog() } };
  const server = await serveFunctions(
    { walk: worker(walk, () => runtime), once: worker(once, () => runtime) },
    port,
  );
  onTestFinished(() => void server.close());
  return { emulator, runtime };
}

test('over Cloud Tasks: the last attempt of the queue ends a run with its cause, and records a one-shot task', async () => {
  const project = `last-${process.pid}`;
  const db = testFirestore(project);
  await db.doc('things/a').set({});
  const { emulator, runtime } = await world(project);
  const started = await startOn(runtime.ports, walk, {}, { startedBy: 'test' });
  if (!('runId' in started)) expect.fail('no run');
  const ended = await untilEnded(db, started.runId);
  expect(ended.data()).toMatchObject({
    state: 'failed',
    error: {
      message: 'no such template',
      document: 'things/a',
      stack: expect.stringContaining('last-attempt.test.ts'),
    },
  });
  // Three attempts, though five failures were allowed.
  expect((await db.doc(`pageturnerRuns/${started.runId}/shards/0`).get()).get('failures')).toBe(2);

  const id = await startOn(runtime.ports, once, {}, { startedBy: 'test' });
  if (!('taskId' in id)) expect.fail('no task');
  await emulator.idle();
  const { docs } = await db.collection('pageturnerFailures').get();
  expect(docs.map((document) => document.data())).toMatchObject([
    { task: 'once', message: 'no such template' },
  ]);
});

test("over Cloud Tasks: the limits of a queue are what its settings say, and the first attempt is the task's", async () => {
  const project = `limits-${process.pid}`;
  testFirestore(project);
  const { emulator, runtime } = await world(project);
  const { retries } = runtime;
  expect(await retries.retryLimits('iterate')).toEqual({ maxAttempts: 3 });
  expect(await retries.retryLimits('timed')).toEqual({ maxAttempts: 2, maxRetryMs: 900_000 });
  expect(await retries.retryLimits('endless')).toEqual({});
  await expect(retries.retryLimits('none')).rejects.toMatchObject({ code: 5 });

  const isStarted = Promise.withResolvers<string>();
  const firstAt = Promise.withResolvers<number | undefined>();
  handle = async () => firstAt.resolve(await retries.firstAttemptAt('timed', await isStarted.promise));
  const before = Date.now();
  const id = await startOn(runtime.ports, once, {}, { startedBy: 'test', queue: 'timed' });
  isStarted.resolve('taskId' in id ? id.taskId : expect.fail('no task'));
  await emulator.idle();
  expect(await firstAt.promise).toBeGreaterThanOrEqual(before);
  expect(await firstAt.promise).toBeLessThanOrEqual(Date.now());
});
