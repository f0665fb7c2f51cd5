import { v2beta2, v2beta3 } from '@google-cloud/tasks';
import { credentials } from '@grpc/grpc-js';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { callRest } from './call-rest.ts';
import { serve } from '../../emulator/web-server.ts';

const location = 'projects/p/locations/us-central1';
const queue = `${location}/queues/mail`;
const HOUR_SECONDS = 3600;
/** The client gives an operation's metadata with its enums as numbers. */
const PARTIALLY_SUCCEEDED = 5;

const later = { seconds: Math.floor(Date.now() / 1000) + HOUR_SECONDS };

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator();
  onTestFinished(() => emulator.close());
});

function clientOptions(): {
  apiEndpoint: string;
  port: number;
  sslCreds: ReturnType<typeof credentials.createInsecure>;
} {
  return { apiEndpoint: '127.0.0.1', port: emulator.port, sslCreds: credentials.createInsecure() };
}

function beta(): v2beta3.CloudTasksClient {
  const client = new v2beta3.CloudTasksClient(clientOptions());
  onTestFinished(() => client.close());
  return client;
}

function alpha(): v2beta2.CloudTasksClient {
  const client = new v2beta2.CloudTasksClient(clientOptions());
  onTestFinished(() => client.close());
  return client;
}

test('queues are listed by a filter, and a page goes on with the filter of the page before', async () => {
  for (const id of ['a', 'b', 'c'])
    await callRest(emulator, 'POST', `/v2/${location}/queues`, { name: `${location}/queues/${id}` });
  for (const id of ['a', 'c']) await callRest(emulator, 'POST', `/v2/${location}/queues/${id}:pause`);
  const filter = encodeURIComponent('state: PAUSED');
  const first = await callRest(emulator, 'GET', `/v2/${location}/queues?filter=${filter}&pageSize=1`);
  expect(first.body).toMatchObject({ queues: [{ name: `${location}/queues/a` }] });
  const { nextPageToken } = first.body as { nextPageToken: string };
  const second = await callRest(
    emulator,
    'GET',
    `/v2/${location}/queues?filter=${filter}&pageToken=${nextPageToken}`,
  );
  expect(second.body).toEqual({ queues: [expect.objectContaining({ name: `${location}/queues/c` })] });
  expect(await callRest(emulator, 'GET', `/v2/${location}/queues?pageToken=${nextPageToken}`)).toMatchObject({
    status: 400,
  });
});

test('a policy changes only for whoever knows the current etag, and is empty where there is no queue', async () => {
  const [get, set] = [`/v2/${queue}:getIamPolicy`, `/v2/${queue}:setIamPolicy`];
  const permissions = ['cloudtasks.tasks.create'];
  const none = await callRest(emulator, 'POST', get, {});
  expect(none.body).toEqual({ etag: expect.any(String) });
  expect((await callRest(emulator, 'POST', `/v2/${queue}:testIamPermissions`, { permissions })).body).toEqual(
    {},
  );
  expect(await callRest(emulator, 'POST', set, { policy: {} })).toMatchObject({ status: 404 });

  await callRest(emulator, 'POST', `/v2/${location}/queues`, { name: queue });
  const bindings = [{ role: 'roles/cloudtasks.enqueuer', members: ['user:a@example.com'] }];
  const { etag } = none.body as { etag: string };
  const kept = await callRest(emulator, 'POST', set, { policy: { bindings, etag } });
  expect(kept.body).toMatchObject({ bindings });
  expect(await callRest(emulator, 'POST', set, { policy: { bindings: [], etag } })).toMatchObject({
    status: 409,
  });
  // An update of the queue has nothing to do with it.
  await callRest(emulator, 'PATCH', `/v2/${queue}`, {});
  expect((await callRest(emulator, 'POST', get, {})).body).toEqual(kept.body);
  expect((await callRest(emulator, 'POST', `/v2/${queue}:testIamPermissions`, { permissions })).body).toEqual(
    {
      permissions,
    },
  );
});

test('the CMEK config of a location is kept', async () => {
  const name = `${location}/cmekConfig`;
  const kmsKey = `${location}/keyRings/r/cryptoKeys/k`;
  expect((await callRest(emulator, 'GET', `/v2/${name}`)).body).toEqual({ name });
  expect((await callRest(emulator, 'PATCH', `/v2beta3/${name}`, { kmsKey })).body).toEqual({ name, kmsKey });
  for (const version of ['v2', 'v2beta2']) {
    expect((await callRest(emulator, 'GET', `/${version}/${name}`)).body).toEqual({ name, kmsKey });
  }
  expect(await callRest(emulator, 'PATCH', `/v2/${name}`, { kmsKey: 'k' })).toMatchObject({ status: 400 });
});

describe('a batch', () => {
  const request = (id: string) => ({
    parent: queue,
    task: { name: `${queue}/tasks/${id}`, scheduleTime: later, httpRequest: { url: 'https://a.example/' } },
  });

  test('creates and deletes what it can and tells of the rest, as an operation that the client waits for', async () => {
    const client = beta();
    await client.createQueue({ parent: location, queue: { name: queue } });
    const requestId = '0b8ec6bd-4b3f-4b0b-9b44-1f7a3f5c9a10';
    const create = { parent: queue, requests: [request('a'), request('b'), request('a')], requestId };
    const [creation] = await client.batchCreateTasks(create);
    const [created, metadata] = await creation.promise();
    expect(created.tasks?.map(({ name }) => name)).toEqual([`${queue}/tasks/a`, `${queue}/tasks/b`]);
    expect(metadata).toMatchObject({
      state: PARTIALLY_SUCCEEDED,
      failedRequests: { 2: { code: 6, message: 'Requested entity already exists' } },
    });
    // The same request once more is the same operation.
    const [again] = await client.batchCreateTasks(create);
    expect(again.name).toBe(creation.name);

    const [deletion] = await client.batchDeleteTasks({
      parent: queue,
      names: [`${queue}/tasks/a`, `${queue}/tasks/b`],
    });
    await deletion.promise();
    expect((await client.listTasks({ parent: queue }))[0]).toEqual([]);
    const [failure] = await client.batchDeleteTasks({ parent: queue, names: [`${queue}/tasks/a`] });
    await expect(failure.promise()).rejects.toMatchObject({
      code: 10,
      message: expect.stringMatching(/^None of the requests succeeded, refer to BatchDeleteTasksMetadata/),
    });
  });

  test('speaks of tasks as v2beta2 does when it comes at v2beta2', async () => {
    await callRest(emulator, 'POST', `/v2/${location}/queues`, { name: queue });
    const task = {
      appEngineHttpRequest: { relativeUrl: '/x' },
      scheduleTime: new Date(later.seconds * 1000).toISOString(),
    };
    const { body } = await callRest(emulator, 'POST', `/v2beta2/${queue}/tasks:batchCreate`, {
      requests: [{ parent: queue, task }],
    });
    expect(body).toMatchObject({
      response: {
        '@type': 'type.googleapis.com/google.cloud.tasks.v2beta2.BatchCreateTasksResponse',
        tasks: [{ appEngineHttpRequest: { relativeUrl: '/x' }, status: {} }],
      },
    });
    const { name } = body as { name: string };
    expect((await callRest(emulator, 'GET', `/v2beta2/${name}`)).body).toEqual(body);
  });

  test('is there at v2 over REST, with its operation', async () => {
    await callRest(emulator, 'POST', `/v2/${location}/queues`, { name: queue });
    const task = {
      httpRequest: { url: 'https://a.example/' },
      scheduleTime: new Date(later.seconds * 1000).toISOString(),
    };
    const { body } = await callRest(emulator, 'POST', `/v2/${queue}/tasks:batchCreate`, {
      requests: [{ parent: queue, task }],
    });
    expect(body).toMatchObject({
      done: true,
      metadata: {
        '@type': 'type.googleapis.com/google.cloud.tasks.v2.BatchCreateTasksMetadata',
        state: 'SUCCEEDED',
      },
      response: {
        '@type': 'type.googleapis.com/google.cloud.tasks.v2.BatchCreateTasksResponse',
        tasks: [{ httpRequest: { url: 'https://a.example/' } }],
      },
    });
    const { name } = body as { name: string };
    expect((await callRest(emulator, 'GET', `/v2/${name}`)).body).toEqual(body);
    expect((await callRest(emulator, 'GET', `/v2/${location}/operations`)).body).toEqual({
      operations: [body],
    });
    expect(await callRest(emulator, 'POST', `/v2/${name}:cancel`, {})).toEqual({ status: 200, body: {} });
    expect(await callRest(emulator, 'DELETE', `/v2/${name}`)).toEqual({ status: 200, body: {} });
    expect(await callRest(emulator, 'GET', `/v2/${name}`)).toMatchObject({ status: 404 });
    expect(await callRest(emulator, 'POST', `/v2/${queue}/tasks:batchCreate`, {})).toMatchObject({
      status: 400,
    });
  });
});

describe('v2beta3', () => {
  test('has burst sizes, times to live, routing one level deeper, and statistics on request', async () => {
    const client = beta();
    const override = { appEngineRoutingOverride: { service: 'worker' } };
    const settings = {
      rateLimits: { maxBurstSize: 7 },
      taskTtl: { seconds: 20 * 86_400 },
      tombstoneTtl: { seconds: 7200 },
    };
    await client.createQueue({
      parent: location,
      queue: { name: queue, appEngineHttpQueue: override, ...settings },
    });
    const updateMask = { paths: ['app_engine_http_queue.app_engine_routing_override.version'] };
    const [updated] = await client.updateQueue({
      queue: { name: queue, appEngineHttpQueue: { appEngineRoutingOverride: { version: 'v1' } } },
      updateMask,
    });
    expect(updated).toMatchObject({
      type: 'PUSH',
      stats: null,
      taskTtl: { seconds: String(20 * 86_400) },
      tombstoneTtl: { seconds: '7200' },
      appEngineHttpQueue: { appEngineRoutingOverride: { service: 'worker', version: 'v1' } },
    });
    await client.pauseQueue({ name: queue });
    await client.createTask({ parent: queue, task: { httpRequest: { url: 'https://a.example/' } } });
    const [seen] = await client.getQueue({ name: queue, readMask: { paths: ['name', 'stats'] } });
    expect(seen).toMatchObject({
      name: queue,
      rateLimits: null,
      stats: { tasksCount: '1', effectiveExecutionRate: 500 },
    });
  });

  test.each(['v2beta3', 'v2beta2'])('%s tells of what its queue has just done', async (version) => {
    const server = await serve();
    await callRest(emulator, 'POST', `/v2/${location}/queues`, { name: queue });
    const done = Promise.withResolvers<void>();
    emulator.observe((event) => {
      if (event.kind === 'taskDeleted') done.resolve();
    });
    await callRest(emulator, 'POST', `/v2/${queue}/tasks`, { task: { httpRequest: { url: server.url } } });
    await done.promise;
    const due = new Date(later.seconds * 1000).toISOString().replace('.000', '');
    const task = { httpRequest: { url: server.url }, scheduleTime: due };
    await callRest(emulator, 'POST', `/v2/${queue}/tasks`, { task });
    expect((await callRest(emulator, 'GET', `/${version}/${queue}?readMask=stats`)).body).toEqual({
      stats: {
        tasksCount: '1',
        oldestEstimatedArrivalTime: due,
        executedLastMinuteCount: '1',
        effectiveExecutionRate: 500,
      },
    });
  });

  test('has retry settings of a single task, which outrank those of its queue', async () => {
    const client = beta();
    const server = await serve((response) => response.writeHead(500).end());
    await client.createQueue({ parent: location, queue: { name: queue } });
    const ended = Promise.withResolvers<string>();
    emulator.observe((event) => {
      if (event.kind === 'taskDeleted') ended.resolve(event.reason);
    });
    const [task] = await client.createTask({
      parent: queue,
      task: { httpRequest: { url: server.url }, retryConfig: { maxAttempts: 1 } },
    });
    expect(task).toMatchObject({ retryConfig: { maxAttempts: 1, maxDoublings: 16 } });
    expect(await ended.promise).toBe('exhausted');
  });
});

describe('v2beta2', () => {
  test('leases, prolongs, gives back and acknowledges the tasks of a pull queue', async () => {
    const client = alpha();
    const [created] = await client.createQueue({ parent: location, queue: { name: queue, pullTarget: {} } });
    expect(created).toMatchObject({ targetType: 'pullTarget', rateLimits: null });
    await client.createTask({
      parent: queue,
      task: { pullMessage: { payload: Buffer.from('work'), tag: 't' } },
    });
    const [{ tasks = [] }] = await client.leaseTasks({
      parent: queue,
      leaseDuration: { seconds: 60 },
      filter: 'tag=t',
      responseView: 'FULL',
    });
    const [leased] = tasks ?? [];
    expect(leased).toMatchObject({
      pullMessage: { payload: Buffer.from('work'), tag: 't' },
      status: { attemptDispatchCount: 1 },
    });
    const name = leased?.name ?? '';
    const [renewed] = await client.renewLease({
      name,
      scheduleTime: leased?.scheduleTime ?? null,
      leaseDuration: { seconds: 120 },
    });
    await expect(
      client.acknowledgeTask({ name, scheduleTime: leased?.scheduleTime ?? null }),
    ).rejects.toMatchObject({ code: 9 });
    const [given] = await client.cancelLease({ name, scheduleTime: renewed.scheduleTime ?? null });
    expect(given).toMatchObject({ view: 'BASIC', pullMessage: { tag: 't' } });
    const [{ tasks: again }] = await client.leaseTasks({ parent: queue, leaseDuration: { seconds: 60 } });
    await client.acknowledgeTask({ name, scheduleTime: again?.[0]?.scheduleTime ?? null });
    expect((await client.listTasks({ parent: queue }))[0]).toEqual([]);
  });

  test('says rates, attempts and App Engine targets in its own words', async () => {
    const client = alpha();
    const appEngineHttpTarget = { appEngineRoutingOverride: { service: 'worker' } };
    const [created] = await client.createQueue({
      parent: location,
      queue: {
        name: queue,
        appEngineHttpTarget,
        rateLimits: { maxTasksDispatchedPerSecond: 5, maxBurstSize: 3, maxConcurrentTasks: 2 },
        retryConfig: { unlimitedAttempts: true },
      },
    });
    expect(created).toMatchObject({
      appEngineHttpTarget,
      rateLimits: { maxTasksDispatchedPerSecond: 5, maxBurstSize: 3, maxConcurrentTasks: 2 },
      retryConfig: { unlimitedAttempts: true },
    });
    const [updated] = await client.updateQueue({
      queue: { name: queue, rateLimits: { maxConcurrentTasks: 9 } },
      updateMask: { paths: ['rate_limits.max_concurrent_tasks', 'retry_config.max_attempts'] },
    });
    expect(updated).toMatchObject({
      rateLimits: { maxTasksDispatchedPerSecond: 5, maxConcurrentTasks: 9 },
      retryConfig: { maxAttempts: 100 },
    });
    const [task] = await client.createTask({
      parent: queue,
      responseView: 'FULL',
      task: { appEngineHttpRequest: { relativeUrl: '/x', payload: Buffer.from('y') } },
    });
    expect(task).toMatchObject({ appEngineHttpRequest: { relativeUrl: '/x', payload: Buffer.from('y') } });
  });
});

test('v2 over REST has retry settings of a single task', async () => {
  await callRest(emulator, 'POST', `/v2/${location}/queues`, { name: queue });
  await callRest(emulator, 'POST', `/v2/${queue}:pause`);
  const retryConfig = { maxAttempts: 1, minBackoff: '2s' };
  const { body } = await callRest(emulator, 'POST', `/v2/${queue}/tasks`, {
    task: { httpRequest: { url: 'https://a.example/' }, retryConfig },
  });
  expect(body).toMatchObject({ retryConfig });
});
