import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { startOn } from '../../../lib/start-task.ts';
import { testFirestore } from '../../support/firestore.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';
import { freePort } from '../../../cli/local/ports.ts';
import { launch } from './tasks.ts';

const documents = 25;
const compileCache = await mkdtemp(join(tmpdir(), 'pageturner-crash-'));
afterAll(() => rm(compileCache, { recursive: true, force: true }));
const stepsOfTurns = [
  'before the commit',
  'after the commit, before any enqueue',
  'between two children',
  'between the children and the continuation',
  'before the answer',
];
const stepsAround = [
  'before the run is written',
  'after the run is written, before its preparation is enqueued',
  'before the start is answered',
  'between the reads of the preparation and its commit',
  'after the preparation is committed, before any turn is enqueued',
  "between the reads of the last shard's word and its commit",
  'between the reads of the completion and its commit',
  'after the completion is committed, before its child is enqueued',
];
const turns = [0, 1, 2];
const crashes = [
  ...stepsOfTurns.flatMap((step) => turns.map((turn) => ({ step, turn, name: `${step}, in turn ${turn}` }))),
  ...stepsAround.map((step) => ({ step, turn: -1, name: step })),
];

test.each(crashes)(
  'a worker killed $name: each page takes effect once and each child is enqueued',
  { timeout: 100_000 },
  async ({ step, turn, name }) => {
    const project = `crash-${process.pid}-${crashes.findIndex((crash) => crash.name === name)}`;
    const retryConfig = { minBackoff: '0.05s', maxBackoff: '0.2s' };
    const emulator = await startEmulator({
      port: 0,
      project,
      location: 'europe-west1',
      queues: [
        { name: 'iterate', retryConfig },
        { name: 'children', retryConfig },
      ],
    });
    onTestFinished(() => emulator.close());
    const port = await freePort({ port: 0, service: 'the worker', setting: 'the test' });
    const environment = toolkitEnvironment(emulator, project, `http://127.0.0.1:${port}`);
    const db = testFirestore(project);
    const batch = db.batch();
    for (let n = 0; n < documents; n += 1) batch.set(db.doc(`things/t${n}`), { visits: 0 });
    await batch.commit();

    const first = forkWorker({ ...environment, CRASH_AT: step, CRASH_TURN: String(turn) });
    const second = forkWorker(environment);
    await serveOn(port, first);
    const crash = once(first, 'exit');
    const runtime = createRuntime(environment);
    await startOn(runtime.ports, launch, {}, { startedBy: 'test' });
    const [, signal] = (await crash) as [number | null, string];
    expect(signal).toBe('SIGKILL');
    await serveOn(port, second);

    await emulator.idle({ timeoutMs: 50_000 });
    const runs = (await db.collection('pageturnerRuns').get()).docs.map((run) => run.get('state') as string);
    expect(runs).toEqual(['completed']);
    const visits = (await db.collection('things').get()).docs.map(
      (document) => document.get('visits') as number,
    );
    expect(visits).toEqual(Array.from({ length: documents }, () => 1));
    const children = (await db.collection('children').get()).docs.map((document) => document.id);
    expect(children.toSorted()).toEqual(
      ['of-the-completion', ...Array.from({ length: documents }, (_, n) => `t${n}`)].toSorted(),
    );
    expect((await db.doc('reports/walk').get()).data()).toEqual({ completions: 1, processed: documents });
  },
);

function forkWorker(environment: NodeJS.ProcessEnv): ChildProcess {
  const child = fork(new URL('./worker-process.ts', import.meta.url), {
    env: { ...environment, NODE_COMPILE_CACHE: compileCache },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function serveOn(port: number, child: ChildProcess): Promise<void> {
  const ready = once(child, 'message');
  child.send(port);
  await ready;
}
