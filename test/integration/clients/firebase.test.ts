import { deleteApp, initializeApp } from 'firebase-admin/app';
import { getFunctions, type TaskQueue } from 'firebase-admin/functions';
import { HttpsError } from 'firebase-functions/https';
import { onTaskDispatched, type Request } from 'firebase-functions/tasks';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { HttpFunction } from '@google-cloud/functions-framework';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';

const PROJECT = 'demo-firebase';

let emulator: Emulator;
let queue: TaskQueue;
/** What the function was called with, and what it does. */
let calls: Request[];
let onCall: (call: Request) => void;
let uri: string;

/** The function as its author writes it, served by the Functions Framework as the cloud serves it. */
const resize = onTaskDispatched({ retryConfig: { maxAttempts: 3 } }, (call) => {
  calls.push(call);
  onCall(call);
});

beforeEach(async () => {
  calls = [];
  onCall = () => {};
  emulator = await startEmulator({
    project: PROJECT,
    queues: [{ name: 'resize', retryConfig: { minBackoff: '0s', maxBackoff: '0s', maxAttempts: 3 } }],
  });
  onTestFinished(() => emulator.close());
  const server = await serveFunctions({ resize: resize as unknown as HttpFunction });
  onTestFinished(() => void server.close());
  uri = `http://127.0.0.1:${portOf(server)}/resize`;
  process.env['CLOUD_TASKS_EMULATOR_HOST'] = `${emulator.host}:${emulator.port}`;
  onTestFinished(() => void delete process.env['CLOUD_TASKS_EMULATOR_HOST']);
  const app = initializeApp({ projectId: PROJECT }, crypto.randomUUID());
  onTestFinished(() => deleteApp(app));
  queue = getFunctions(app).taskQueue('resize');
});

describe('firebase-admin with firebase-functions', () => {
  test('enqueues a task, which calls the function with its data and a token', async () => {
    await queue.enqueue({ image: 'cat.png' }, { uri, id: 'cat' });
    await emulator.idle();
    expect(calls).toMatchObject([
      {
        data: { image: 'cat.png' },
        queueName: 'resize',
        id: 'cat',
        retryCount: 0,
        executionCount: 0,
        auth: { token: { aud: uri, iss: emulator.issuer } },
      },
    ]);
  });

  test('has a function that throws called again, up to the limit of its queue', async () => {
    onCall = () => {
      throw new HttpsError('aborted', 'not today');
    };
    await queue.enqueue({}, { uri });
    await emulator.idle();
    expect(calls.map(({ retryCount }) => retryCount)).toEqual([0, 1, 2]);
  });

  test('is told that a task of this id exists', async () => {
    await queue.enqueue({}, { uri, id: 'twice', scheduleDelaySeconds: 600 });
    await expect(queue.enqueue({}, { uri, id: 'twice' })).rejects.toMatchObject({
      code: 'functions/task-already-exists',
    });
    await queue.delete('twice');
  });

  test('deletes a task, also one that never was', async () => {
    await queue.enqueue({}, { uri, id: 'never', scheduleDelaySeconds: 600 });
    await queue.delete('never');
    await emulator.idle();
    await queue.delete('never');
    expect(calls).toEqual([]);
  });
});
