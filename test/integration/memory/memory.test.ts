import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { startOn } from '../../../lib/start-task.ts';
import { testFirestore } from '../../support/firestore.ts';
import { untilEnded } from '../../support/runs.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';
import { WorkerFleet } from '../../support/worker-fleet.ts';
import { walk } from './walk.ts';

/** A page of four of them and one of five. */
const documents = 9;

/** Enough for five documents, and not for eight. */
const heapMebibytes = 144;

test(
  'a run whose pages are more than its workers have memory for gets through by itself',
  { timeout: 400_000 },
  async () => {
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
    for (let n = 0; n < documents; n += 1) batch.create(db.collection('things').doc(), { n });
    await batch.commit();

    const { ports } = createRuntime(environment(fleet.url));
    const by = { idempotencyKey: 'memory', startedBy: 'test' };
    const started = await startOn(ports, walk, {}, by);
    const runId = 'runId' in started ? started.runId : expect.fail('no run');
    const ended = await Promise.race([untilEnded(db, runId), fleet.broken]);
    expect(ended.data()).toMatchObject({ state: 'completed', processed: documents });
    const visits = (await db.collection('visits').get()).docs.map((visit) => visit.get('visits') as number);
    expect(visits).toEqual(Array.from({ length: documents }, () => 1));
    // With all documents, and with all of them twice more; then with eight.
    expect(fleet.outOfMemory).toBeGreaterThan(2);
  },
);
