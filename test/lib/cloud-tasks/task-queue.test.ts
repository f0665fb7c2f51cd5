import type { CloudTasksClient } from '@google-cloud/tasks';
import { expect, test } from 'vitest';
import { CloudTasksQueue } from '../../../lib/cloud-tasks/task-queue.ts';
import type { Ports } from '../../../lib/ports.ts';
import { startOn } from '../../../lib/start-task.ts';
import { memoryPorts } from '../../support/memory-ports.ts';
import { walk } from '../../support/walk.ts';

const settings = {
  project: 'p',
  location: 'l',
  functionsUrl: 'https://functions.example',
  serviceAccount: 'worker@p.iam.gserviceaccount.com',
};

/** With a service that refuses each task. */
function refusing(code: number, details: string): Ports {
  const client = {
    queuePath: (...parts: readonly string[]) => parts.join('/'),
    createTask: () => Promise.reject(Object.assign(new Error(`${code} ${details}`), { code, details })),
  };
  return { ...memoryPorts(), queue: new CloudTasksQueue(client as unknown as CloudTasksClient, settings) };
}

const options = { startedBy: 'test', key: 'k', idempotencyKey: 'one' };

test('a run whose preparation the queue refuses for good ends with the words of the queue, and frees its key', async () => {
  const ports = refusing(3, 'Invalid url for HttpRequest.');
  await expect(startOn(ports, walk, {}, options)).rejects.toMatchObject({
    code: 'misconfigured',
    message: expect.stringMatching(
      /^Queue "iterate" refuses a task for "walk", and will each time: Invalid url/,
    ),
  });
  expect(await ports.store.listActive(null, 1)).toEqual([]);
  const other = startOn({ ...ports, queue: memoryPorts().queue }, walk, {}, { startedBy: 'test', key: 'k' });
  await expect(other).resolves.toHaveProperty('runId');
});

test('a run whose preparation the queue refuses for the moment stays, for the next start or the healer to enqueue it', async () => {
  const ports = refusing(7, 'Permission denied.');
  await expect(startOn(ports, walk, {}, options)).rejects.toThrow('7 Permission denied.');
  expect(await ports.store.listActive(null, 2)).toMatchObject([{ state: 'starting' }]);
});
