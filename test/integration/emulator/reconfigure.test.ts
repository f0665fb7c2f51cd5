import { decodeJwt } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import { parseQueueFile } from '../../../config/queue-files.ts';
import { startEmulator } from '../../../emulator/index.ts';
import type { Emulator, EmulatorOptions, QueueSettings, Warning } from '../../../emulator/index.ts';
import { serve } from '../../emulator/web-server.ts';
import { callRest } from './call-rest.ts';

const LOCATION = 'projects/demo-pageturner/locations/us-central1';

async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator({ clock: 'virtual', ...options });
  onTestFinished(() => emulator.close());
  return emulator;
}

async function queueOf(emulator: Emulator, id: string, version = 'v2'): Promise<Record<string, unknown>> {
  return (await callRest(emulator, 'GET', `/${version}/${LOCATION}/queues/${id}`)).body as Record<
    string,
    unknown
  >;
}

const full: readonly QueueSettings[] = [
  {
    name: 'all',
    state: 'PAUSED',
    type: 'PUSH',
    rateLimits: { maxDispatchesPerSecond: 2.5, maxBurstSize: 7, maxConcurrentDispatches: 3 },
    retryConfig: {
      maxAttempts: -1,
      maxRetryDuration: '60s',
      minBackoff: '0.500s',
      maxBackoff: '90s',
      maxDoublings: 2,
    },
    taskTtl: '864000s',
    tombstoneTtl: '7200s',
    stackdriverLoggingConfig: { samplingRatio: 0.5 },
    appEngineRoutingOverride: { service: 's', version: 'v' },
    httpTarget: {
      uriOverride: { scheme: 'HTTPS', host: 'h', port: '81', pathOverride: { path: '/p' } },
      httpMethod: 'PUT',
      headerOverrides: [{ header: { key: 'X-A', value: 'b' } }],
      oidcToken: { serviceAccountEmail: 'a@b.iam.gserviceaccount.com', audience: 'x' },
    },
  },
  { name: 'plain' },
  { name: 'pull', type: 'PULL' },
];

test('queues that are exported and taken again are the same in all they have', async () => {
  const first = await start({ queues: full });
  const yaml = first.exportQueues();
  const second = await start({ queues: parseQueueFile(yaml, 'queues.yaml') });
  expect(second.snapshot().queues).toEqual(first.snapshot().queues);
  expect(second.exportQueues()).toBe(yaml);
  expect(parseQueueFile(yaml, 'queues.yaml')[0]).toMatchObject(full[0] as object);
  const http = await fetch(`${first.url}/emulator/v1/queues:export`);
  expect(await http.text()).toBe(yaml);
  const elsewhere = await fetch(`${first.url}/emulator/v1/queues:export?location=projects/p/locations/l`);
  expect(await elsewhere.text()).toBe('queues: []\n');
});

test('tasks are exported as the API has them, with body and attempts, one a line', async () => {
  const emulator = await start({ queues: [{ name: 'mail' }, { name: 'other', state: 'PAUSED' }] });
  const target = await serve((response) => response.writeHead(500).end());
  const create = async (queue: string, url: string): Promise<unknown> =>
    await callRest(emulator, 'POST', `/v2/${LOCATION}/queues/${queue}/tasks`, {
      task: {
        name: `${LOCATION}/queues/${queue}/tasks/t`,
        httpRequest: { url, body: 'AP8=', headers: { A: 'b' } },
      },
    });
  await create('mail', target.url);
  await create('other', 'http://127.0.0.1:9/');
  await emulator.settled();
  const lines = emulator.exportTasks().trimEnd().split('\n');
  const tasks = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  const [mail, other] = await Promise.all(
    ['mail', 'other'].map(async (queue) => {
      const path = `/v2/${LOCATION}/queues/${queue}/tasks/t?responseView=FULL`;
      return (await callRest(emulator, 'GET', path)).body;
    }),
  );
  expect(tasks).toEqual([mail, other]);
  expect(tasks[0]).toMatchObject({ httpRequest: { body: 'AP8=' }, dispatchCount: 1, lastAttempt: {} });
  expect(emulator.exportTasks({ queue: 'other' })).toBe(`${lines[1]}\n`);
  const missing = await callRest(emulator, 'GET', '/emulator/v1/tasks:export?queue=none');
  expect(missing).toMatchObject({ status: 404, body: { error: { status: 'NOT_FOUND' } } });
});

test('other queues are made and changed; what is given as before, and what is not named any more, is left alone', async () => {
  const emulator = await start({
    queues: [
      { name: 'same', retryConfig: { maxAttempts: 5 } },
      { name: 'changed', retryConfig: { maxAttempts: 5 } },
      { name: 'dropped' },
    ],
  });
  await callRest(emulator, 'PATCH', `/v2/${LOCATION}/queues/same`, { retryConfig: { maxAttempts: 9 } });
  await callRest(emulator, 'POST', `/v2/${LOCATION}/queues/changed:pause`);
  const next: QueueSettings[] = [
    { name: 'same', retryConfig: { maxAttempts: 5 } },
    { name: 'changed', rateLimits: { maxDispatchesPerSecond: 3 } },
    { name: 'fresh', state: 'PAUSED' },
  ];
  expect(emulator.reconfigure({ queues: next })).toEqual({
    created: ['fresh'],
    updated: ['changed'],
    left: ['dropped'],
  });
  expect(await queueOf(emulator, 'same')).toMatchObject({ retryConfig: { maxAttempts: 9 } });
  expect(await queueOf(emulator, 'changed')).toMatchObject({
    state: 'PAUSED',
    rateLimits: { maxDispatchesPerSecond: 3 },
    retryConfig: { maxAttempts: 100 },
  });
  expect(await queueOf(emulator, 'fresh')).toMatchObject({ state: 'PAUSED' });
  expect(await queueOf(emulator, 'dropped')).toMatchObject({ state: 'RUNNING' });
  expect(emulator.reconfigure({ queues: next })).toEqual({ created: [], updated: [], left: [] });
  emulator.reconfigure({ queues: next.map((queue) => ({ ...queue, state: 'RUNNING' })) });
  expect(await queueOf(emulator, 'changed')).toMatchObject({ state: 'RUNNING' });
  await emulator.reset();
  expect(emulator.snapshot().queues.map(({ name }) => name.split('/').at(-1))).toEqual([
    'changed',
    'fresh',
    'same',
  ]);
});

test.each<[string, QueueSettings, RegExp]>([
  [
    'a rate that no queue has',
    { name: 'bad', rateLimits: { maxDispatchesPerSecond: 900 } },
    /maxDispatchesPerSecond must be/,
  ],
  [
    'a field that is none',
    { name: 'bad', rateLimits: { rate: 1 } },
    /Unknown name "rate" at 'queue\.rate_limits'/,
  ],
  [
    'a push queue that is to pull',
    { name: 'kept', type: 'PULL' },
    /Queue kept is a push queue and cannot become a pull queue/,
  ],
])('where one of them has %s, nothing changes', async (_, bad, message) => {
  const emulator = await start({ queues: [{ name: 'kept' }] });
  const before = emulator.snapshot();
  const queues = [{ name: 'fresh' }, bad];
  expect(() => emulator.reconfigure({ queues, rewrite: { a: 'b' } })).toThrow(message);
  expect(() => emulator.reconfigure({ queues: [{ name: 'fresh' }], rewrite: { a: 'http://b' } })).toThrow(
    /rewrite has/,
  );
  expect(emulator.snapshot()).toEqual(before);
});

test('a rewritten task goes elsewhere with its own Host and audience, and stays what it was', async () => {
  const target = await serve();
  const emulator = await start({ queues: [{ name: 'mail' }], rewrite: { 'https://my.app': target.url } });
  const create = async (url: string): Promise<void> => {
    const oidcToken = { serviceAccountEmail: 'a@p.iam.gserviceaccount.com' };
    await callRest(emulator, 'POST', `/v2/${LOCATION}/queues/mail/tasks`, {
      task: { httpRequest: { url, oidcToken } },
    });
  };
  await create('https://my.app/send?x=1');
  await emulator.idle();
  expect(target.requests).toMatchObject([{ path: '/send?x=1', headers: { host: 'my.app' } }]);
  const { aud } = decodeJwt(target.requests[0]?.headers['Authorization']?.slice('Bearer '.length) ?? '');
  expect(aud).toBe('https://my.app/send?x=1');
  expect(emulator.deliveries({ url: 'https://my.app/send' })).toMatchObject([
    { url: 'https://my.app/send?x=1', calledUrl: `${target.url}/send?x=1` },
  ]);
  const second = await serve();
  emulator.reconfigure({ rewrite: { 'your.app': '127.0.0.1' } });
  await create(second.url.replace('127.0.0.1', 'your.app'));
  await emulator.idle();
  expect(second.requests).toMatchObject([
    { headers: { host: second.url.replace('http://127.0.0.1', 'your.app') } },
  ]);
});

test('a queue that is missing is made for a task where that is wanted, with the words of the service', async () => {
  const warnings: Warning[] = [];
  const emulator = await start({
    settings: { autoCreatesQueues: true },
    onWarning: (warning) => warnings.push(warning),
  });
  const path = `/v2/${LOCATION}/queues/new/tasks`;
  const task = { httpRequest: { url: 'http://127.0.0.1:9/' }, scheduleTime: '2026-01-05T00:00:00Z' };
  expect(await callRest(emulator, 'POST', path, { task })).toMatchObject({ status: 200 });
  expect(await callRest(emulator, 'POST', path, { task })).toMatchObject({ status: 200 });
  expect(await queueOf(emulator, 'new')).toMatchObject({
    state: 'RUNNING',
    retryConfig: { maxAttempts: 100 },
  });
  expect(warnings).toMatchObject([
    {
      kind: 'queue-auto-created',
      message: expect.stringContaining('NOT_FOUND: Queue does not exist.') as string,
    },
  ]);
  const bad = await callRest(emulator, 'POST', `/v2/${LOCATION}/queues/bad/tasks`, {
    task: { httpRequest: {} },
  });
  expect(bad.status).toBe(400);
  const badId = await callRest(emulator, 'POST', `/v2/${LOCATION}/queues/a_b/tasks`, { task });
  expect(badId.status).toBe(400);
  expect(emulator.snapshot().queues).toHaveLength(1);
});

test('no queue is made by itself unless that is wanted, and with the profile strict it cannot be', async () => {
  const emulator = await start();
  const task = { httpRequest: { url: 'http://127.0.0.1:9/' } };
  expect(await callRest(emulator, 'POST', `/v2/${LOCATION}/queues/new/tasks`, { task })).toMatchObject({
    status: 404,
  });
  await expect(startEmulator({ profile: 'strict', settings: { autoCreatesQueues: true } })).rejects.toThrow(
    'autoCreatesQueues cannot be had with the profile strict',
  );
});
