import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import type { AttemptRecord, Emulator, EmulatorOptions, Snapshot } from '../../../emulator/index.ts';
import { startEmulator } from '../../../emulator/index.ts';
import { dataFile, withDisk } from '../../emulator/store/unwritable.ts';
import { serve } from '../../emulator/web-server.ts';
import { callRest } from './call-rest.ts';

const QUEUE = 'projects/demo-pageturner/locations/us-central1/queues/mail';
const slow = { maxDispatchesPerSecond: 1, maxConcurrentDispatches: 1 };

async function start(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator({
    clock: 'virtual',
    seed: 7,
    queues: [{ name: 'mail', rateLimits: slow }],
    ...options,
  });
  onTestFinished(() => emulator.close());
  return emulator;
}

async function create(emulator: Emulator, url: string, task: object = {}): Promise<void> {
  const answer = await callRest(emulator, 'POST', `/v2/${QUEUE}/tasks`, {
    task: { httpRequest: { url, body: 'AP8=' }, ...task },
  });
  expect(answer.status).toBe(200);
}

/** What happened, as far as it is the same whenever it happens. */
function told(attempts: readonly AttemptRecord[]): unknown[] {
  return attempts.map(({ taskName, attempt, startedAt, outcome, deliveries }) => ({
    taskName,
    attempt,
    startedAt,
    outcome,
    headers: deliveries.map(({ headers }) => headers),
  }));
}

/** As it is after a journey through a file. */
function written(snapshot: Snapshot): Snapshot {
  return JSON.parse(JSON.stringify(snapshot)) as Snapshot;
}

test('what is restored goes on as the original did: tasks, retries, tokens, time and the ids of new tasks', async () => {
  const target = await serve((response, { headers }) => {
    const isFirst = headers['X-CloudTasks-TaskRetryCount'] === '0';
    response
      .writeHead(isFirst && Number(headers['X-CloudTasks-TaskName']?.at(-1)) % 3 === 0 ? 500 : 200)
      .end();
  });
  const emulator = await start();
  for (let count = 0; count < 14; count += 1) await create(emulator, target.url);
  await emulator.clock.advance(1500);
  const taken = written(emulator.snapshot());
  const before = emulator.attempts().length;
  expect(before).toBeGreaterThan(9);

  const goOn = async (): Promise<unknown[]> => {
    await create(emulator, target.url);
    await emulator.idle();
    return told(emulator.attempts());
  };
  const original = (await goOn()).slice(before);
  expect(original.length).toBeGreaterThan(4);
  for (let time = 0; time < 2; time += 1) {
    await emulator.restore(taken);
    expect(emulator.clock.now()).toBe(taken.clock.now);
    expect(emulator.attempts()).toEqual([]);
    expect(await goOn()).toEqual(original);
  }
  const other = await start({ seed: 8, queues: [] });
  await other.restore(taken);
  await create(other, target.url);
  await other.idle();
  expect(told(other.attempts())).toEqual(original);
});

test('what was being delivered when it was taken is delivered again, and everything else as it was', async () => {
  const reached = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  let isHeld = true;
  const target = await serve((response, { headers }) => {
    if (!isHeld || headers['X-CloudTasks-TaskName'] !== 'c') return void response.end();
    reached.resolve();
    return void release.promise.then(() => response.end());
  });
  const emulator = await start();
  for (const id of ['a', 'b', 'c', 'd', 'e'])
    await create(emulator, target.url, { name: `${QUEUE}/tasks/${id}` });
  const over = emulator.idle();
  await reached.promise;
  const taken = written(emulator.snapshot());
  isHeld = false;
  release.resolve();
  await over;

  await emulator.restore(taken);
  await emulator.idle();
  const again = told(emulator.attempts());
  expect(again).toMatchObject(
    [
      ['c', 2],
      ['d', 1],
      ['e', 1],
    ].map(([id, attempt]) => ({ taskName: `${QUEUE}/tasks/${id}`, attempt })),
  );
  await emulator.restore(taken);
  await emulator.idle();
  expect(told(emulator.attempts())).toEqual(again);
});

test('an attempt that is out when something else is restored is cut off, and told nobody of', async () => {
  const reached = Promise.withResolvers<void>();
  const target = await serve(() => reached.resolve());
  const emulator = await start();
  const empty = emulator.snapshot();
  await create(emulator, target.url);
  await reached.promise;
  await emulator.restore(empty);
  await emulator.idle();
  expect(emulator.attempts()).toEqual([]);
  expect(emulator.snapshot()).toEqual(empty);
});

test('everything is in it: states, IAM, names that are taken, CMEK, pull tasks, leases, the clock', async () => {
  const emulator = await start({ settings: { queueNameReuseAfterMs: 60_000 } });
  const target = await serve();
  const location = 'projects/p/locations/l';
  const post = async (path: string, body: object = {}): Promise<void> =>
    expect((await callRest(emulator, 'POST', path, body)).status).toBe(200);
  await create(emulator, target.url, { name: `${QUEUE}/tasks/done` });
  await emulator.idle();
  await post(`/v2/${QUEUE}:pause`);
  await post(`/v2/${QUEUE}:setIamPolicy`, {
    policy: { bindings: [{ role: 'roles/viewer', members: ['user:a@b'] }] },
  });
  await create(emulator, target.url, { name: `${QUEUE}/tasks/waits`, scheduleTime: '2026-01-05T00:00:00Z' });
  await post(`/v2/${location}/queues`, { name: `${location}/queues/gone` });
  await callRest(emulator, 'DELETE', `/v2/${location}/queues/gone`);
  await post(`/v2beta2/${location}/queues`, { name: `${location}/queues/pull`, pullTarget: {} });
  await post(`/v2beta2/${location}/queues/pull/tasks`, {
    task: { pullMessage: { payload: 'AP8=', tag: 'x' } },
  });
  await post(`/v2beta2/${location}/queues/pull/tasks:lease`, { leaseDuration: '60s' });
  await callRest(emulator, 'PATCH', `/v2/${location}/cmekConfig`, {
    kmsKey: 'projects/p/locations/l/keyRings/r/cryptoKeys/k',
  });
  await emulator.clock.advance(5000);

  const taken = written(emulator.snapshot());
  const other = await start({ queues: [{ name: 'else' }], snapshot: taken });
  expect(other.snapshot()).toEqual(taken);
  const refused = await callRest(other, 'POST', `/v2/${QUEUE}/tasks`, {
    task: { name: `${QUEUE}/tasks/done`, httpRequest: { url: target.url } },
  });
  expect(refused).toMatchObject({ status: 409 });
  expect(
    await callRest(other, 'POST', `/v2/${location}/queues`, { name: `${location}/queues/gone` }),
  ).toMatchObject({
    status: 400,
    body: { error: { status: 'FAILED_PRECONDITION' } },
  });
  expect(await callRest(other, 'GET', `/v2/${location}/cmekConfig`)).toMatchObject({
    body: { kmsKey: 'projects/p/locations/l/keyRings/r/cryptoKeys/k' },
  });
  // What it was started from is what a reset goes back to.
  await callRest(other, 'DELETE', `/v2/${QUEUE}`);
  await other.reset();
  expect(other.snapshot()).toEqual(taken);
});

test('time that passes goes on passing, unless it stood when the snapshot was taken', async () => {
  const frozen = await start();
  const running = await startEmulator();
  onTestFinished(() => running.close());
  const before = running.clock.now();
  await running.restore(written(running.snapshot()));
  expect(running.clock.isFrozen).toBe(false);
  expect(running.clock.now()).toBeGreaterThanOrEqual(before);
  await running.restore(frozen.snapshot());
  expect(running.clock).toMatchObject({ isFrozen: true });
  expect(running.clock.now()).toBe(frozen.clock.now());
});

test('with a data file all of it is in the file, or none where that cannot be written', async () => {
  const file = dataFile();
  const source = await start();
  await create(source, 'http://127.0.0.1:9/', { scheduleTime: '2026-01-05T00:00:00Z' });
  const taken = written(source.snapshot());

  const { opened: first, disk } = await withDisk(() => start({ dataFile: file, queues: [{ name: 'kept' }] }));
  const before = first.snapshot();
  disk.lock();
  await expect(first.restore(taken)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  expect(first.snapshot()).toEqual(before);
  disk.free();
  await first.restore(taken);
  await first.close();
  const second = await start({ dataFile: file, queues: [] });
  const { queues, tasks } = second.snapshot();
  expect({ queues, tasks }).toEqual({ queues: taken.queues, tasks: taken.tasks });
});

test('over HTTP it is taken and put back', async () => {
  const emulator = await start();
  await create(emulator, 'http://127.0.0.1:9/', { scheduleTime: '2026-01-05T00:00:00Z' });
  const taken = await callRest(emulator, 'GET', '/emulator/v1/snapshot');
  expect(taken.body).toEqual(written(emulator.snapshot()));
  await callRest(emulator, 'DELETE', `/v2/${QUEUE}`);
  expect(await callRest(emulator, 'POST', '/emulator/v1/snapshot:restore', taken.body as object)).toEqual({
    status: 200,
    body: {},
  });
  expect(written(emulator.snapshot())).toEqual(taken.body);
});

test('what is longer than other requests may be is still taken, as far as the limit of snapshots', async () => {
  const emulator = await start();
  const body = Buffer.alloc(900_000).toString('base64');
  for (let count = 0; count < 12; count += 1) {
    await create(emulator, 'http://127.0.0.1:9/', {
      scheduleTime: '2026-01-05T00:00:00Z',
      httpRequest: { url: 'http://127.0.0.1:9/', body },
    });
  }
  const taken = written(emulator.snapshot());
  expect(JSON.stringify(taken).length).toBeGreaterThan(10 * 1024 * 1024);
  await emulator.reset();
  const answer = await callRest(emulator, 'POST', '/emulator/v1/snapshot:restore', taken);
  expect(answer.status).toBe(200);
  expect(emulator.snapshot().tasks).toHaveLength(12);
});

const damages: readonly [string, (snapshot: Snapshot) => unknown, RegExp][] = [
  ['nothing', () => ({}), /no snapshot of an emulator: its "format" is missing/],
  ['a list', () => [1], /its "format" is missing/],
  [
    'another version',
    (snapshot) => ({ ...snapshot, version: 2 }),
    /is of version 2, and this emulator reads version 1/,
  ],
  ['an unknown field', (snapshot) => ({ ...snapshot, more: 1 }), /damaged: .*more/],
  [
    'a part that is missing',
    (snapshot) => ({ ...snapshot, tasks: undefined }),
    /damaged: tasks: .*expected array/,
  ],
  [
    'a task without its queue',
    (snapshot) => ({ ...snapshot, queues: [] }),
    /damaged: tasks\.0\.name: There is no queue projects/,
  ],
  [
    'a task that is there twice',
    (snapshot) => ({ ...snapshot, tasks: [...snapshot.tasks, ...snapshot.tasks] }),
    /damaged: tasks\.1\.name: .*there twice/,
  ],
  [
    'a queue that is there twice',
    (snapshot) => ({ ...snapshot, queues: [...snapshot.queues, ...snapshot.queues] }),
    /damaged: queues\.1\.name: .*there twice/,
  ],
  [
    'a body that is no base64',
    (snapshot) => ({
      ...snapshot,
      tasks: [{ ...snapshot.tasks[0], target: { ...snapshot.tasks[0]?.target, body: 'é' } }],
    }),
    /damaged: tasks\.0\.target\.body: This is no base64/,
  ],
  [
    'a rate that no queue has',
    (snapshot) => ({
      ...snapshot,
      queues: [
        {
          ...snapshot.queues[0],
          rateLimits: { ...snapshot.queues[0]?.rateLimits, maxDispatchesPerSecond: 0 },
        },
      ],
    }),
    /damaged: queues\.0\.rateLimits\.maxDispatchesPerSecond/,
  ],
  [
    'a key that is none',
    (snapshot) => ({ ...snapshot, kmsKeys: { 'projects/p/locations/l/cmekConfig': 'x' } }),
    /Invalid resource field value/,
  ],
];

test.each(damages)(
  'a snapshot with %s is refused by name, and changes nothing',
  async (_, damage, message) => {
    const emulator = await start();
    await create(emulator, 'http://127.0.0.1:9/', { scheduleTime: '2026-01-05T00:00:00Z' });
    const before = emulator.snapshot();
    const damaged = damage(written(before)) as Snapshot;
    await expect(emulator.restore(damaged)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(message) as string,
    });
    expect(emulator.snapshot()).toEqual(before);
  },
);

test('one that is cut short or too long is refused over HTTP, and changes nothing', async () => {
  const emulator = await start();
  const before = emulator.snapshot();
  const url = `${emulator.url}/emulator/v1/snapshot:restore`;
  const text = JSON.stringify(before);
  const cut = await fetch(url, { method: 'POST', body: text.slice(0, -20) });
  expect(await cut.json()).toMatchObject({
    error: { message: expect.stringContaining('Invalid JSON payload') as string },
  });
  const long = request(url, { method: 'POST', headers: { 'content-length': 128 * 1024 * 1024 + 1 } });
  long.flushHeaders();
  const [answer] = (await once(long, 'response')) as [IncomingMessage];
  expect(await json(answer)).toMatchObject({
    error: { message: 'Request payload size exceeds the limit: 134217728 bytes.' },
  });
  long.destroy();
  expect(emulator.snapshot()).toEqual(before);
});
