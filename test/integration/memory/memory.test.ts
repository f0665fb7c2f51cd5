import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DocumentSnapshot, Firestore } from '@google-cloud/firestore';
import { expect, onTestFinished, test } from 'vitest';
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

interface Walked {
  readonly db: Firestore;
  readonly run: DocumentSnapshot;
  /** Paths of the documents that took effect, each as often as it did. */
  readonly visits: readonly string[];
  /** How many workers have run out of memory. */
  readonly deaths: number;
}

/** Walks over documents that take so many numbers each, with a worker that has little memory and is replaced when it dies. */
async function walkOver(walk: IterativeTask, numbers: Readonly<Record<string, number>>): Promise<Walked> {
  const project = `memory-${crypto.randomUUID()}`;
  const retryConfig = { minBackoff: '0.1s', maxBackoff: '0.1s' };
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
  const runId = 'runId' in started ? started.runId : expect.fail('no run');
  const run = await Promise.race([untilEnded(db, runId), fleet.broken]);
  const { docs } = await db.collection('visits').get();
  const visits = docs.flatMap((visit) =>
    Array.from({ length: visit.get('visits') as number }, () => visit.id),
  );
  return { db, run, visits, deaths: fleet.outOfMemory };
}

test(
  'a run whose pages are more than its workers have memory for gets through by itself',
  { timeout: 400_000 },
  async () => {
    // A page of four of them and one of five.
    const ids = 'a b c d e f g h i'.split(' ');
    const { run, visits, deaths } = await walkOver(many, Object.fromEntries(ids.map((id) => [id, large])));
    expect(run.data()).toMatchObject({ state: 'completed', processed: ids.length });
    expect(visits).toEqual(ids);
    // With all documents, and with all of them twice more; then with eight.
    expect(deaths).toBeGreaterThan(2);
  },
);

test(
  'a document that alone is more than its workers have memory for is set aside, and the walk goes on behind it',
  { timeout: 400_000 },
  async () => {
    const { db, run, visits, deaths } = await walkOver(huge, { a: tooLarge, b: 1 });
    expect(run.data()).toMatchObject({ state: 'completed', processed: 1 });
    expect(visits).toEqual(['b']);
    const { docs } = await db.collection(`${run.ref.path}/setAside`).get();
    const message = expect.stringContaining('Nothing was heard of 3 attempts that had this document alone');
    expect(docs.map((entry) => entry.data())).toMatchObject([
      { path: 'things/a', attempts: 3, error: { message } },
    ]);
    // With the other one, and with it twice more; and three times alone.
    expect(deaths).toBe(6);
  },
);
