import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { Firestore } from '@google-cloud/firestore';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { startOn } from '../../../lib/start-task.ts';
import { testFirestore } from '../../support/firestore.ts';
import { untilEnded } from '../../support/runs.ts';
import { WorkerFleet } from '../../support/worker-fleet.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';
import { visit } from './visit.ts';

const documents = 20_000;
/** One is killed each second; a worker takes a second and more to start, and the others go on meanwhile. */
const workers = 6;
/** From then on a worker is killed only if a page was done since the last one was. */
const killsComeWhatMay = 60;
/** Pages at work at the same time: with one for each shard, all of them would be slower than the killing on a machine with two cores. */
const maxConcurrentDispatches = 3;
const faultSeed = 1;
/** Far more than it takes, also on a machine that is busy with other tests. */
const patienceMs = 420_000;

test(
  '20,000 documents, 8 shards, duplicated deliveries, lost responses and a worker killed each second: each document takes effect once',
  { timeout: patienceMs + 120_000 },
  async () => {
    // With its name and the seed, the same attempts of the same tasks meet the same faults each time.
    const project = 'storm';
    const retryConfig = { minBackoff: '0.1s', maxBackoff: '1s' };
    const rateLimits = { maxConcurrentDispatches };
    const queues = [{ name: 'iterate', retryConfig, rateLimits }];
    const emulator = await startEmulator({
      port: 0,
      project,
      location: 'europe-west1',
      queues,
      seed: faultSeed,
    });
    onTestFinished(() => emulator.close());
    emulator.faults.add({ probability: 0.05, fault: { kind: 'duplicateDelivery' } });
    emulator.faults.add({ probability: 0.05, fault: { kind: 'lostResponse' } });
    const db = testFirestore(project);
    const compileCache = await mkdtemp(join(tmpdir(), 'pageturner-storm-'));
    onTestFinished(() => rm(compileCache, { recursive: true, force: true }));
    const environment = (url: string): NodeJS.ProcessEnv => ({
      ...toolkitEnvironment(emulator, project, url),
      NODE_COMPILE_CACHE: compileCache,
    });
    const script = new URL('./worker-process.ts', import.meta.url);
    const [fleet] = await Promise.all([WorkerFleet.start({ script, size: workers, environment }), seed(db)]);
    onTestFinished(() => fleet.close());

    let kills = 0;
    let doneAtLastKill = -1;
    const killing = setInterval(() => {
      const done = emulator.attempts().filter(({ outcome }) => outcome === 'completed').length;
      // A machine that is too busy for a page a second would otherwise never end one.
      const isSpared = kills >= killsComeWhatMay && done === doneAtLastKill;
      if (isSpared || !fleet.killOldest()) return;
      doneAtLastKill = done;
      kills += 1;
    }, 1_000);
    onTestFinished(() => clearInterval(killing));
    const { ports } = createRuntime(environment(fleet.url));
    const startedAt = performance.now();
    const started = await startOn(
      ports,
      visit,
      {},
      { idempotencyKey: 'storm', startedBy: 'test', shards: 8 },
    );
    const runId = 'runId' in started ? started.runId : expect.fail('no run');
    const patience = setTimeout(patienceMs, undefined, { ref: false });
    const ended = await Promise.race([untilEnded(db, runId), fleet.broken, patience]);
    if (ended?.get('state') !== 'completed') {
      const { run, shards } = (await ports.store.getRun(runId)) ?? {};
      const ends = emulator.attempts().slice(-20);
      console.log(inspect({ faultSeed, kills, run, shards, ends }, { depth: 4, breakLength: 120 }));
    }
    expect(ended?.get('state')).toBe('completed');
    await emulator.idle();
    clearInterval(killing);

    const faults = emulator.faults.list().map(({ rule, strikes }) => [rule.fault.kind, strikes] as const);
    const attempts = emulator.attempts();
    const ends = Map.groupBy(attempts, ({ outcome }) => outcome);
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    console.log({
      documents,
      seconds,
      kills,
      faults: Object.fromEntries(faults),
      attempts: Object.fromEntries([...ends].map(([outcome, of]) => [outcome ?? 'out', of.length])),
    });
    const visits = (await db.collection('things').get()).docs.map((document) => document.get('visits'));
    expect(visits).toHaveLength(documents);
    expect([...new Set(visits)]).toEqual([1]);
    expect((await db.doc('reports/visit').get()).data()).toEqual({ completions: 1, processed: documents });
    // A timer on a busy machine leaves some seconds out.
    expect(kills).toBeGreaterThanOrEqual(Math.floor(0.8 * Math.min(seconds, killsComeWhatMay)));
    for (const [kind, strikes] of faults) expect(strikes, kind).toBeGreaterThan(0);
  },
);

async function seed(db: Firestore): Promise<void> {
  const perCommit = 500;
  for (let start = 0; start < documents; start += perCommit) {
    const batch = db.batch();
    const end = Math.min(documents, start + perCommit);
    for (let n = start; n < end; n += 1) batch.create(db.collection('things').doc(), { visits: 0 });
    await batch.commit();
  }
}
