import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { cancelRun, getRun, pauseRun, resumeRun } from '../../../lib/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { startOn } from '../../../lib/start-task.ts';
import { changed } from '../../support/changed.ts';
import { testFirestore } from '../../support/firestore.ts';
import { RecordingLog } from '../../support/recording.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';
import { WorkerFleet } from '../../support/worker-fleet.ts';
import { walk } from './tasks.ts';

const minuteMs = 60_000;

// Asked for by KILLED=1: with thirty processes that start anew it takes more than a minute on two cores.
test.skipIf(process.env['KILLED'] === undefined)(
  'workers killed before each write, enqueue and answer: callbacks, children and the run that follows take effect once',
  { timeout: 200_000 },
  async () => {
    const project = `killed-${process.pid}`;
    const emulator = await startEmulator({
      port: 0,
      project,
      location: 'europe-west1',
      // One at a time: a worker that is killed has nothing else at work, whose locks would stay behind.
      queues: [
        {
          name: 'all',
          rateLimits: { maxConcurrentDispatches: 1 },
          retryConfig: { minBackoff: '0.05s', maxBackoff: '0.2s' },
        },
      ],
    });
    onTestFinished(() => emulator.close());
    emulator.clock.freeze();
    const folder = await mkdtemp(join(tmpdir(), 'pageturner-killed-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    const killedAt = join(folder, 'killed-at');
    await writeFile(killedAt, '');
    const db = testFirestore(project);
    for (const id of ['a', 'b']) await db.doc(`things/${id}`).set({ visits: 0 });
    const environment = (url: string): NodeJS.ProcessEnv => ({
      ...toolkitEnvironment(emulator, project, url),
      KILLED_AT: killedAt,
      NODE_COMPILE_CACHE: folder,
    });
    const script = new URL('./worker-process.ts', import.meta.url);
    const fleet = await WorkerFleet.start({ script, size: 3, environment });
    onTestFinished(() => fleet.close());
    const real = createRuntime(environment(fleet.url));
    const clock = changed(real.ports.clock, { now: () => emulator.clock.now() });
    const ports = { ...real.ports, clock, log: new RecordingLog() };

    const started = await startOn(ports, walk, {}, { startedBy: 'test' });
    const runId = 'runId' in started ? started.runId : expect.fail('no run');
    await emulator.clock.advance(minuteMs);
    // The reminder is to come once more in ten minutes.
    expect(await getRun(runId, ports.store)).toMatchObject({ state: 'completing' });
    await pauseRun(runId, { reason: 'lunch' }, ports);
    await emulator.clock.advance(2 * minuteMs);
    expect(await getRun(runId, ports.store)).toMatchObject({ state: 'paused' });
    await resumeRun(runId, {}, ports);
    await emulator.clock.advance(15 * minuteMs);
    const run = await getRun(runId, ports.store);
    expect(run).toMatchObject({ state: 'completed', processed: 2, result: 2, failedChildren: 1 });
    const nextRun = run?.nextRun ?? expect.fail('no run followed');
    expect(await getRun(nextRun, ports.store)).toMatchObject({ state: 'starting', repeatOf: runId });
    await cancelRun(nextRun, { reason: 'enough' }, ports);
    await emulator.clock.advance(minuteMs);

    expect(await getRun(nextRun, ports.store)).toMatchObject({ state: 'canceled' });
    const events = [
      'canceled: enough',
      'completed: 2 documents, 1 failed',
      'failed: not today',
      'paused: lunch',
      'started: 2',
    ];
    const notes = (await db.collection('notes').get()).docs.map((note) => [note.id, note.get('times')]);
    expect(notes).toEqual(events.map((event) => [event, 1]));
    expect((await db.collection('told').get()).docs.map(({ id }) => id)).toEqual(events);
    const runs = (await db.collection('pageturnerRuns').get()).docs.map(
      (one) => `${one.get('task')} ${one.get('state')}`,
    );
    expect(runs.toSorted()).toEqual(['failing failed', 'walk canceled', 'walk completed']);
    expect((await db.collection('things').get()).docs.map((thing) => thing.get('visits') as number)).toEqual([
      1, 1,
    ]);
    const points = (await readFile(killedAt, 'utf8')).trim().split('\n');
    expect(points).toEqual(
      expect.arrayContaining([
        'failing callback: answer',
        'failing callback: endChild',
        'failing callback: enqueue failing callback',
        'failing callback: enqueue tell task',
        'failing callback: run failed',
        'failing turn: answer',
        'failing turn: enqueue failing callback',
        'failing turn: run failed',
        'reminder task: answer',
        'reminder task: endChild',
        'reminder task: enqueue reminder task',
        'reminder task: moveChild',
        'walk callback: answer',
        'walk callback: enqueue tell task',
        'walk callback: run canceled',
        'walk complete: answer',
        'walk complete: enqueue tell task',
        'walk complete: enqueue walk complete',
        'walk complete: enqueue walk prepare',
        'walk complete: run completed',
        'walk complete: run completing',
        'walk prepare: answer',
        'walk prepare: enqueue tell task',
        'walk prepare: enqueue walk turn',
        'walk prepare: run running',
      ]),
    );
  },
);
