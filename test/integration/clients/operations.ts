import type { CloudTasksClient } from '@google-cloud/tasks';
import { status } from '@grpc/grpc-js';

/** What an operation gave: its result, or its error as code and text. */
export type Outcome = { readonly result: unknown } | { readonly code: unknown; readonly text: string };

type Operation = (client: CloudTasksClient) => Promise<unknown>;

const location = 'projects/p/locations/us-central1';
export const queue: string = `${location}/queues/mail`;
const url = 'http://127.0.0.1:9/never';
const later = { seconds: 1_795_600_000 + 20 * 86_400 };

/** Run from top to bottom, on a new emulator; the rows that fail are told by their code. */
export const operations: readonly (readonly [name: string, run: Operation, code?: number])[] = [
  ['no queue yet', async (client) => (await client.listQueues({ parent: location }))[0]],
  [
    'create a queue',
    async (client) =>
      (
        await client.createQueue({
          parent: location,
          queue: {
            name: queue,
            rateLimits: { maxDispatchesPerSecond: 2.5, maxConcurrentDispatches: 3 },
            retryConfig: { maxAttempts: -1, minBackoff: { nanos: 500_000_000 }, maxDoublings: 2 },
            stackdriverLoggingConfig: { samplingRatio: 0.25 },
          },
        })
      )[0],
  ],
  ['create it again', (client) => client.createQueue({ parent: location, queue: { name: queue } }), 6],
  ['a bad queue id', (client) => client.createQueue({ parent: location, queue: { name: `${queue}_` } }), 3],
  [
    'a rate that is too high',
    (client) =>
      client.createQueue({
        parent: location,
        queue: { name: `${location}/queues/fast`, rateLimits: { maxDispatchesPerSecond: 501 } },
      }),
    3,
  ],
  ['get it', async (client) => (await client.getQueue({ name: queue }))[0]],
  ['get another', (client) => client.getQueue({ name: `${location}/queues/none` }), 5],
  [
    'update one field',
    async (client) =>
      (
        await client.updateQueue({
          queue: { name: queue, retryConfig: { maxAttempts: 5 }, rateLimits: { maxDispatchesPerSecond: 9 } },
          updateMask: { paths: ['retry_config.max_attempts'] },
        })
      )[0],
  ],
  ['pause', async (client) => (await client.pauseQueue({ name: queue }))[0]],
  [
    'create a task',
    async (client) =>
      (
        await client.createTask({
          parent: queue,
          responseView: 'FULL',
          task: {
            name: `${queue}/tasks/one`,
            scheduleTime: later,
            dispatchDeadline: { seconds: 20 },
            httpRequest: {
              url,
              httpMethod: 'PUT',
              body: Buffer.from('Grüße\0'),
              headers: { 'X-Test': 'é' },
              oidcToken: {
                serviceAccountEmail: 'a@p.iam.gserviceaccount.com',
                audience: 'https://f.example',
              },
            },
          },
        })
      )[0],
  ],
  [
    'create a task of the same name',
    (client) =>
      client.createTask({ parent: queue, task: { name: `${queue}/tasks/one`, httpRequest: { url } } }),
    6,
  ],
  [
    'create a task of a bad name',
    (client) =>
      client.createTask({ parent: queue, task: { name: `${queue}/tasks/x y`, httpRequest: { url } } }),
    3,
  ],
  ['create a task without a target', (client) => client.createTask({ parent: queue, task: {} }), 3],
  [
    'create a task of a bad target',
    (client) => client.createTask({ parent: queue, task: { httpRequest: { url: 'ftp://a' } } }),
    3,
  ],
  [
    'create a task in no queue',
    (client) => client.createTask({ parent: `${location}/queues/none`, task: { httpRequest: { url } } }),
    5,
  ],
  ['get the task', async (client) => (await client.getTask({ name: `${queue}/tasks/one` }))[0]],
  [
    'get the whole task',
    async (client) => (await client.getTask({ name: `${queue}/tasks/one`, responseView: 'FULL' }))[0],
  ],
  ['get another task', (client) => client.getTask({ name: `${queue}/tasks/none` }), 5],
  ['list the tasks', async (client) => (await client.listTasks({ parent: queue }))[0]],
  [
    'list in pages',
    async (client) => {
      for (const id of ['two', 'three'])
        await client.createTask({
          parent: queue,
          task: { name: `${queue}/tasks/${id}`, httpRequest: { url } },
        });
      const names: string[] = [];
      for await (const task of client.listTasksAsync({ parent: queue, pageSize: 1 }, { autoPaginate: false }))
        names.push(task.name ?? '');
      return names.toSorted();
    },
  ],
  [
    'list with a bad token',
    (client) => client.listTasks({ parent: queue, pageToken: 'nonsense' }, { autoPaginate: false }),
    3,
  ],
  ['run a task', async (client) => (await client.runTask({ name: `${queue}/tasks/one` }))[0].dispatchCount],
  ['run another', (client) => client.runTask({ name: `${queue}/tasks/none` }), 5],
  ['delete a task', async (client) => (await client.deleteTask({ name: `${queue}/tasks/two` }))[0]],
  ['delete it again', (client) => client.deleteTask({ name: `${queue}/tasks/two` }), 5],
  ['get what is deleted', (client) => client.getTask({ name: `${queue}/tasks/two` }), 5],
  ['purge', async (client) => (await client.purgeQueue({ name: queue }))[0]],
  ['nothing is left', async (client) => (await client.listTasks({ parent: queue }))[0]],
  ['resume', async (client) => (await client.resumeQueue({ name: queue }))[0].state],
  ['list the queues', async (client) => (await client.listQueues({ parent: location }))[0]],
  ['delete the queue', async (client) => (await client.deleteQueue({ name: queue }))[0]],
  ['delete it once more', (client) => client.deleteQueue({ name: queue }), 5],
];

/** When things happened differs between two runs of the same table; that they are there, and in which form, does not. */
function withoutTimes(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      /^(createTime|purgeTime|dispatchTime|responseTime)$/.test(key) && inner ? 'a time' : inner,
    ) ?? 'null',
  );
}

/** Runs the whole table with one client. */
export async function runOperations(client: CloudTasksClient): Promise<Record<string, Outcome>> {
  const outcomes: Record<string, Outcome> = {};
  for (const [name, run] of operations) outcomes[name] = await outcomeOf(run, client);
  return outcomes;
}

async function outcomeOf(run: Operation, client: CloudTasksClient): Promise<Outcome> {
  try {
    return { result: withoutTimes(await run(client)) };
  } catch (error) {
    const { code, message, details } = error as Error & { code?: unknown; details?: unknown };
    // gRPC's message begins with the code; its details are the text.
    if (typeof details === 'string' || !message.startsWith('{')) {
      return { code, text: typeof details === 'string' ? details : message };
    }
    // Version 6 over REST hands on Google's JSON unread, with the HTTP status for a code.
    const { error: read } = JSON.parse(message) as {
      error: { status: keyof typeof status; message: string };
    };
    return { code: status[read.status], text: read.message };
  }
}
