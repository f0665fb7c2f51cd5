import type { Firestore } from '@google-cloud/firestore';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { getRun, resumeRun, retryRun, type RunSummary } from '../../../lib/index.ts';
import type { Ports } from '../../../lib/ports.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { startOn } from '../../../lib/start-task.ts';
import { testFirestore } from '../../support/firestore.ts';
import { RecordingLog } from '../../support/recording.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';
import { WorkerFleet } from '../../support/worker-fleet.ts';
import { deployments, tasksOf } from './tasks.ts';

/** More than a retry waits for, and than a run that is to pause waits for its workers at most, which is by the clock on the wall. */
const longWhileMs = 120_000;
const things = Array.from('abcdefghijkl');
const tasks = tasksOf(deployments.first);

interface Stage {
  readonly db: Firestore;
  readonly emulator: Emulator;
  readonly fleet: WorkerFleet;
  readonly ports: Ports;
  /** What workers that start from now on have. */
  next: keyof typeof deployments;
  /** Lets pass what a retry and a run that is to pause wait for, and all that comes of it. */
  goOn(): Promise<void>;
}

/** The queues, whose time stands, and one worker process of the first deployment. The third page of each run has to wait for a retry. */
async function stage(): Promise<Stage> {
  const project = `upgrades-${crypto.randomUUID().slice(0, 13)}`;
  const queues = tasks.map(({ queue }) => ({ name: queue }));
  const settings = { location: 'europe-west1', answerWithinMs: 60_000 };
  const emulator = await startEmulator({ port: 0, project, queues, ...settings });
  onTestFinished(() => emulator.close());
  emulator.clock.freeze();
  // After the preparation and two pages.
  for (const { queue } of tasks)
    emulator.faults.add({ match: { queue }, nth: 4, fault: { kind: 'respond', httpStatus: 503 } });
  const db = testFirestore(project);
  for (const id of things) await db.doc(`things/${id}`).set({});
  const script = new URL('./worker-process.ts', import.meta.url);
  const environment = (url: string): NodeJS.ProcessEnv => ({
    ...toolkitEnvironment(emulator, project, url),
    DEPLOYMENT: made.next,
  });
  const made = { next: 'first' as keyof typeof deployments };
  const fleet = await WorkerFleet.start({ script, size: 1, environment });
  onTestFinished(() => fleet.close());
  const ports = { ...createRuntime(environment(fleet.url)).ports, log: new RecordingLog() };
  const goOn = async (): Promise<void> => {
    await emulator.clock.advance(longWhileMs);
    await emulator.settled();
  };
  return Object.assign(made, { db, emulator, fleet, ports, goOn });
}

async function startedRuns({ ports, emulator }: Stage, names: readonly string[]): Promise<string[]> {
  const wanted = names.map((name) => tasks.find((task) => task.name === name) ?? expect.fail(name));
  const started = await Promise.all(
    wanted.map(async (task) => await startOn(ports, task, {}, { startedBy: 'test' })),
  );
  await emulator.settled();
  return started.map((one) => ('runId' in one ? one.runId : expect.fail('no run')));
}

async function look({ ports }: Stage, runs: readonly string[]): Promise<(RunSummary | undefined)[]> {
  return await Promise.all(runs.map(async (run) => await getRun(run, ports.store)));
}

/** For each document, by which versions it was visited, and that it was once. */
async function visitors({ db }: Stage, name: string): Promise<string> {
  const found = await Promise.all(
    things.map(async (id) => (await db.doc(`things/${id}/visited/${name}`).get()).data() ?? {}),
  );
  expect(found.map(({ visits }) => visits as number)).toEqual(things.map(() => 1));
  return found.map((visit) => ('v1' in visit ? 1 : 2)).join('');
}

test('a new deployment goes on with the runs of the one before as each policy says, each document once', async () => {
  const at = await stage();
  const runs = await startedRuns(at, ['continue', 'pause', 'fail', 'parameters']);
  const [, paused = '', failed = '', misfit = ''] = runs;
  expect(await look(at, runs)).toMatchObject(runs.map(() => ({ state: 'running', processed: 4 })));

  at.next = 'second';
  await at.fleet.replace();
  await at.goOn();
  const reason = 'The worker has version 2 of "pause", and the run has version 1.';
  expect(await look(at, runs)).toMatchObject([
    { state: 'completed', processed: 12, versions: [1] },
    { state: 'paused', processed: 4, offeredVersion: 2 },
    { state: 'failed', processed: 4, lastError: { message: expect.stringContaining('Retry the run') } },
    { state: 'paused', processed: 4 },
  ]);
  const pauses = (await look(at, [paused, misfit])).map((run) =>
    run?.history.find(({ event }) => event === 'pause'),
  );
  expect(pauses).toMatchObject([
    { by: 'worker', reason: expect.stringContaining(reason) },
    { by: 'worker', reason: expect.stringContaining('grade: Invalid input: expected string') },
  ]);

  await resumeRun(paused, {}, at.ports);
  await retryRun(failed, {}, at.ports);
  await resumeRun(misfit, {}, at.ports);
  await at.goOn();
  expect(await look(at, runs)).toMatchObject([
    { state: 'completed' },
    { state: 'completed', processed: 12, versions: [1, 2] },
    { state: 'completed', processed: 12, versions: [1, 2] },
    // Nothing has been mended yet.
    { state: 'paused', processed: 4 },
  ]);

  at.next = 'mended';
  await at.fleet.replace();
  await resumeRun(misfit, {}, at.ports);
  await at.goOn();
  expect(await look(at, [misfit])).toMatchObject([{ state: 'completed', processed: 12 }]);
  for (const name of ['continue', 'pause', 'fail', 'parameters']) {
    expect(await visitors(at, name)).toBe('111122222222');
    expect((await at.db.doc(`completed/${name}`).get()).data()).toEqual({ times: 1, by: 2 });
  }
});

test('while processes of both versions serve side by side, a run that was resumed goes on with both', async () => {
  const at = await stage();
  const runs = await startedRuns(at, ['pause']);
  at.next = 'second';
  await at.fleet.add();
  // Each process gets a request in turn: within two of them, one reaches the new version.
  await at.goOn();
  expect(await look(at, runs)).toMatchObject([{ state: 'paused', offeredVersion: 2 }]);
  await resumeRun(runs[0] ?? '', {}, at.ports);
  await at.goOn();
  expect(await look(at, runs)).toMatchObject([{ state: 'completed', processed: 12, versions: [1, 2] }]);
  expect(await visitors(at, 'pause')).toMatch(/^1{6,8}2211(22)?$/);
});
