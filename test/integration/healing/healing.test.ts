import { credentials } from '@grpc/grpc-js';
import { CloudTasksClient } from '@google-cloud/tasks';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { healRuns } from '../../../lib/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { startRun } from '../../../lib/start-run.ts';
import { testFirestore } from '../../support/firestore.ts';
import { RecordingLog } from '../../support/recording.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';
import { walk } from '../../support/walk.ts';

test('over Cloud Tasks: a waiting task is seen and left alone, and a purged or deleted one is made good', async () => {
  const project = `heal-${process.pid}`;
  const emulator = await startEmulator({
    port: 0,
    project,
    location: 'europe-west1',
    queues: [{ name: 'iterate' }],
  });
  onTestFinished(() => emulator.close());
  testFirestore(project);
  const real = createRuntime(toolkitEnvironment(emulator, project, 'http://127.0.0.1:9'));
  const ports = { ...real.ports, log: new RecordingLog() };
  const client = new CloudTasksClient({
    apiEndpoint: emulator.host,
    port: emulator.port,
    sslCreds: credentials.createInsecure(),
  });
  onTestFinished(() => client.close());
  const name = client.queuePath(project, 'europe-west1', 'iterate');
  await client.pauseQueue({ name });
  const waiting = async (): Promise<string[]> => {
    const [tasks] = await client.listTasks({ parent: name });
    return tasks.map((task) => task.name ?? '');
  };
  const healAfter = async (minutes: number): Promise<readonly string[]> => {
    const clock = { ...ports.clock, now: () => Date.now() + minutes * 60_000 };
    const { healed, failed } = await healRuns({}, { ...ports, clock });
    expect(failed).toEqual([]);
    return healed;
  };

  await startRun(walk, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports);
  const first = await waiting();
  expect(await healAfter(11)).toEqual([]);
  expect(await waiting()).toEqual(first);

  await client.purgeQueue({ name });
  expect(await healAfter(11)).toEqual(['r']);
  const second = await waiting();
  expect(second).toHaveLength(1);
  expect(second).not.toEqual(first);

  await client.deleteTask({ name: second[0] ?? expect.fail('no task') });
  expect(await healAfter(22)).toEqual(['r']);
  expect(await waiting()).toHaveLength(1);
});
