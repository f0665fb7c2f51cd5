import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Firestore } from '@google-cloud/firestore';
import { expect, test, type TestContext } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import type { IterativeTask } from '../../../lib/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { startOn } from '../../../lib/start-task.ts';
import { testFirestore } from '../../support/firestore.ts';
import { untilEnded } from '../../support/runs.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';
import { WorkerFleet } from '../../support/worker-fleet.ts';
import { huge, many } from './walk.ts';

const heapMebibytes = 144;
/** 20 MB: the heap has room for five documents of them, and not for eight. */
const large = 2_500_000;
/** 240 MB. */
const tooLarge = 30_000_000;

interface Walking {
  readonly db: Firestore;
  readonly runId: string;
  readonly fleet: WorkerFleet;
}

/** Starts a walk over documents that take so many numbers each, with a worker that has little memory and is replaced when it dies. */
async function startOver(
  { onTestFinished }: TestContext,
  walk: IterativeTask,
  numbers: Readonly<Record<string, number>>,
): Promise<Walking> {
  const project = `memory-${crypto.randomUUID()}`;
  const retryConfig = { minBackoff: '0.1s', maxBackoff: '8s' };
  const queues = [{ name: walk.queue, retryConfig }];
  const emulator = await startEmulator({ port: 0, project, location: 'europe-west1', queues });
  onTestFinished(() => emulator.close());
  const compileCache = await mkdtemp(join(tmpdir(), 'pageturner-memory-'));
  onTestFinished(() => rm(compileCache, { recursive: true, force: true }));
  const environment = (url: string): NodeJS.ProcessEnv => ({
    ...toolkitEnvironment(emulator, project, url),
    NODE_COMPILE_CACHE: compileCache,
  });
  const script = new URL('./worker-process.ts', import.meta.url);
  const fleet = await WorkerFleet.start({ script, size: 1, environment, heapMebibytes });
  onTestFinished(() => fleet.close());
  const db = testFirestore(project);
  const batch = db.batch();
  for (const [id, count] of Object.entries(numbers)) batch.create(db.doc(`things/${id}`), { numbers: count });
  await batch.commit();

  const { ports } = createRuntime(environment(fleet.url));
  const started = await startOn(ports, walk, {}, { idempotencyKey: 'memory', startedBy: 'test' });
  return { db, runId: 'runId' in started ? started.runId : expect.fail('no run'), fleet };
}

// Side by side: they wait for most of their time.
test.concurrent(
  'a run whose pages are more than its workers have memory for gets through by itself',
  { timeout: 400_000 },
  async (context) => {
    // A page of four of them and one of five.
    const ids = 'a b c d e f g h i'.split(' ');
    const { db, runId, fleet } = await startOver(
      context,
      many,
      Object.fromEntries(ids.map((id) => [id, large])),
    );
    const run = await Promise.race([untilEnded(db, runId), fleet.broken]);
    expect(run.data()).toMatchObject({ state: 'completed', processed: ids.length });
    const { docs } = await db.collection('visits').get();
    expect(docs.map((visit) => [visit.id, visit.get('visits') as number])).toEqual(ids.map((id) => [id, 1]));
    // With all documents, and with all of them twice more; then with eight.
    expect(fleet.outOfMemory).toBeGreaterThan(2);
  },
);

test.concurrent(
  'a document that alone is more than its workers have memory for is named by its shard and set aside, and the others take effect',
  { timeout: 400_000 },
  async (context) => {
    const { db, runId, fleet } = await startOver(context, huge, { a: tooLarge, b: 1 });
    const shard = db.doc(`pageturnerRuns/${runId}/shards/0`);
    const document = 'things/a';
    await expect
      .poll(async () => (await shard.get()).data(), { timeout: 300_000, interval: 500 })
      .toMatchObject({
        turn: 0,
        suspect: { document, attempts: 2 },
        lastError: { document, message: expect.stringContaining('Nothing was heard of an attempt') },
      });
    const run = await Promise.race([untilEnded(db, runId), fleet.broken]);
    expect(run.data()).toMatchObject({ state: 'completed', processed: 1 });
    const { docs } = await db.collection(`pageturnerRuns/${runId}/setAside`).get();
    expect(docs.map((entry) => entry.data())).toMatchObject([
      {
        path: document,
        attempts: 3,
        error: { message: expect.stringContaining('Nothing was heard of 3 attempts') },
      },
    ]);
    expect((await db.doc('visits/b').get()).get('visits')).toBe(1);
    // With both documents, whose attempts may also have found no worker; then three times with the one.
    expect(fleet.outOfMemory).toBeGreaterThan(3);
  },
);
