import { CloudTasksClient } from '@google-cloud/tasks';
import { credentials } from '@grpc/grpc-js';
import type { ServerResponse } from 'node:http';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import type { Emulator } from '../../../emulator/index.ts';
import { emulatorForTests } from '../../../emulator/vitest.ts';
import { freePort, serve } from '../../emulator/web-server.ts';

const DAY_MS = 24 * 3600 * 1000;
const location = 'projects/demo-pageturner/locations/us-central1';
const mail = `${location}/queues/mail`;

/** One emulator for the file, reset between its tests. */
const emulator = await emulatorForTests({
  clock: 'virtual',
  seed: 5,
  queues: [
    { name: 'mail', retryConfig: { maxAttempts: 3, minBackoff: '10s', maxBackoff: '10s' } },
    { name: 'week', retryConfig: { maxAttempts: -1, maxRetryDuration: '604800s', maxBackoff: '3600s' } },
  ],
});
const client = clientOf(emulator);
afterAll(() => client.close());

function clientOf({ port }: Emulator): CloudTasksClient {
  return new CloudTasksClient({ apiEndpoint: '127.0.0.1', port, sslCreds: credentials.createInsecure() });
}

async function create(
  url: string,
  {
    id,
    queue = 'mail',
    at,
    by = client,
  }: { id?: string; queue?: string; at?: number; by?: CloudTasksClient } = {},
): Promise<string> {
  const parent = `${location}/queues/${queue}`;
  const [task] = await by.createTask({
    parent,
    task: {
      ...(id !== undefined && { name: `${parent}/tasks/${id}` }),
      ...(at !== undefined && { scheduleTime: { seconds: at / 1000 } }),
      httpRequest: {
        url,
        body: Buffer.from('{"to":"ada"}'),
        headers: { 'Content-Type': 'application/json' },
      },
    },
  });
  return task.name ?? '';
}

const answer =
  (status: number, body = '') =>
  (response: ServerResponse): void =>
    void response.writeHead(status, { 'X-Answer': 'yes' }).end(body);

test('the history has each request with its response, also of a task that is gone', async () => {
  const target = await serve(answer(200, 'sent'));
  const name = await create(`${target.url}/send`, { id: 'a' });
  await emulator.idle();
  expect(emulator.attempts({ queue: 'mail' })).toMatchObject([
    { taskName: name, queueName: mail, attempt: 1, outcome: 'completed', startedAt: emulator.clock.now() },
  ]);
  const [delivery] = emulator.deliveries({ taskName: 'a' });
  expect(delivery).toMatchObject({
    method: 'POST',
    url: `${target.url}/send`,
    headers: { 'X-CloudTasks-TaskName': 'a', 'Content-Type': 'application/json' },
    response: { httpStatus: 200, headers: { 'x-answer': 'yes' }, isTruncated: false },
  });
  expect(String(delivery?.body)).toBe('{"to":"ada"}');
  expect(String(delivery?.response?.body)).toBe('sent');
});

test('of a long response the beginning is kept', async () => {
  const target = await serve(answer(200, 'x'.repeat(100_000)));
  await create(target.url);
  const [delivery] = await emulator.waitForDeliveries({}, 1);
  expect(delivery?.response?.body).toHaveLength(16 * 1024);
  expect(delivery?.response?.isTruncated).toBe(true);
});

test('a target that is not there leaves its error', async () => {
  await create(`http://127.0.0.1:${await freePort()}/`);
  await emulator.settled();
  expect(emulator.attempts()).toMatchObject([
    { outcome: 'retry', deliveries: [{ error: expect.stringContaining('ECONNREFUSED') }] },
  ]);
});

test('a retry policy of seven days is over in a moment, with every attempt made for real', async () => {
  const target = await serve(answer(500));
  await create(target.url, { queue: 'week' });
  const startAt = emulator.clock.now();
  await emulator.idle();
  expect(emulator.clock.now() - startAt).toBeGreaterThanOrEqual(7 * DAY_MS - 3_600_000);
  expect(emulator.clock.now() - startAt).toBeLessThanOrEqual(7 * DAY_MS + 3_600_000);
  expect(target.requests.length).toBeGreaterThan(7 * 24);
  expect(emulator.attempts().at(-1)).toMatchObject({ outcome: 'exhausted' });
});

test('the clock stands, and moves as it is told', async () => {
  const target = await serve();
  const start = Date.UTC(2026, 0, 1);
  await create(target.url, { at: start + DAY_MS });
  await emulator.settled();
  expect(emulator.clock.now()).toBe(start);
  await emulator.clock.advance(DAY_MS - 1);
  expect(target.requests).toHaveLength(0);
  await emulator.clock.advance(1);
  expect(target.requests).toHaveLength(1);
  expect(await emulator.clock.runNext()).toBe(false);
  await create(target.url, { at: start + 3 * DAY_MS });
  expect(emulator.clock.nextDueAt()).toBe(start + 3 * DAY_MS);
  expect(await emulator.clock.runNext()).toBe(true);
  expect(emulator.clock.now()).toBe(start + 3 * DAY_MS);
});

test('the clock does not move past an attempt that is out', async () => {
  const held = Promise.withResolvers<ServerResponse>();
  const target = await serve((response) => held.resolve(response));
  await create(target.url);
  const response = await held.promise;
  let isDone = false;
  const advancing = emulator.clock.advance(DAY_MS).then(() => (isDone = true));
  await new Promise(setImmediate);
  expect(isDone).toBe(false);
  expect(emulator.clock.now()).toBe(Date.UTC(2026, 0, 1));
  response.end();
  await advancing;
  expect(emulator.attempts()).toMatchObject([{ outcome: 'completed', endedAt: Date.UTC(2026, 0, 1) }]);
});

test('tasks are delivered side by side, though the clock stands', async () => {
  const first = Promise.withResolvers<ServerResponse>();
  const second = Promise.withResolvers<void>();
  const target = await serve((response, { path }) => {
    if (path === '/first') return first.resolve(response);
    response.end();
    second.resolve();
  });
  await create(`${target.url}/first`);
  const response = await first.promise;
  await create(`${target.url}/second`);
  await second.promise;
  response.end();
  await emulator.idle();
});

test('a target that hangs is out until its deadline, on the clock', async () => {
  await using impatient = await startEmulator({
    clock: 'virtual',
    answerWithinMs: 100,
    queues: [{ name: 'mail', retryConfig: { maxAttempts: 2, minBackoff: '10s' } }],
  });
  const by = clientOf(impatient);
  onTestFinished(() => by.close());
  const start = impatient.clock.now();
  await create((await serve(() => {})).url, { by });
  await impatient.idle();
  expect(impatient.attempts()).toMatchObject([
    { startedAt: start, endedAt: start + 600_000, result: { kind: 'timeout' }, outcome: 'retry' },
    { startedAt: start + 610_000, endedAt: start + 1_210_000, outcome: 'exhausted' },
  ]);
});

test('a dead task lies in the graveyard with its last answer, and can be created again', async () => {
  let status = 500;
  const target = await serve((response) => response.writeHead(status).end('no luck'));
  const name = await create(target.url, { id: 'dead' });
  await emulator.idle();
  const [dead] = emulator.graveyard.list({ queue: 'mail' });
  expect(dead).toMatchObject({
    task: { name, dispatchCount: 3, lastAttempt: { responseStatus: { code: 13 } } },
    lastResult: { httpStatus: 500 },
  });
  expect(String(dead?.lastDelivery?.response?.body)).toBe('no luck');
  status = 200;
  const again = emulator.graveyard.requeue('dead');
  expect(emulator.graveyard.list()).toEqual([]);
  await emulator.idle();
  expect(emulator.attempts({ taskName: again.name })).toMatchObject([{ attempt: 1, outcome: 'completed' }]);
  expect(target.requests.at(-1)?.body).toBe('{"to":"ada"}');
  expect(() => emulator.graveyard.requeue('dead')).toThrow('Requested entity was not found.');
});

test('a wait for deliveries runs the clock on until they have come', async () => {
  const target = await serve(answer(500));
  await create(target.url);
  const deliveries = await emulator.waitForDeliveries({ queue: 'mail', url: target.url }, 3);
  expect(deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
});

test('a wait in vain says what came instead, and what is left', async () => {
  const target = await serve();
  await create(`${target.url}/other`, { id: 'a' });
  await client.pauseQueue({ name: `${location}/queues/week` });
  await create(target.url, { id: 'b', queue: 'week' });
  await expect(emulator.waitForDeliveries({ queue: 'mail' }, 2, { timeoutMs: 50 })).rejects.toThrow(
    [
      'Waited 50 ms for 2 deliveries of {"queue":"mail"}.',
      '1 came:',
      `  a, attempt 1: POST ${target.url}/other -> 200`,
      'No attempt is out; tasks wait only in queues that are paused or pulled from.',
    ].join('\n'),
  );
  await expect(emulator.idle({ timeoutMs: 50 })).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  const idle = emulator.idle();
  await client.resumeQueue({ name: `${location}/queues/week` });
  await idle;
  expect(emulator.clock.now()).toBe(Date.UTC(2026, 0, 1));
});

test('a creation that is unavailable after it took effect reaches the real client as such', async () => {
  const target = await serve();
  emulator.faults.add({ times: 1, fault: { kind: 'unavailable', when: 'after' } });
  await expect(create(target.url, { id: 'a' })).rejects.toMatchObject({ code: 14 });
  await expect(create(target.url, { id: 'a' })).rejects.toMatchObject({ code: 6 });
  await emulator.idle();
  expect(target.requests).toHaveLength(1);
});

test('faults strike real deliveries', async () => {
  const target = await serve();
  emulator.faults.add({ match: { taskName: 'twice' }, fault: { kind: 'duplicateDelivery' } });
  emulator.faults.add({ match: { taskName: 'lost' }, times: 1, fault: { kind: 'lostResponse' } });
  emulator.faults.add({
    match: { taskName: 'storm', attempt: 1 },
    fault: { kind: 'respond', httpStatus: 429 },
  });
  for (const id of ['twice', 'lost', 'storm']) await create(`${target.url}/${id}`, { id });
  await emulator.idle();
  const paths = target.requests.map(({ path }) => path).toSorted();
  expect(paths).toEqual(['/lost', '/lost', '/storm', '/twice', '/twice']);
  expect(emulator.attempts({ taskName: 'twice' })).toMatchObject([{ attempt: 1, deliveries: [{}, {}] }]);
  expect(emulator.attempts({ taskName: 'storm' })).toMatchObject([{ deliveries: [] }, { attempt: 2 }]);
});

test('a reset leaves the queues of the start and nothing else, and cuts off what is out', async () => {
  const reached = Promise.withResolvers<void>();
  const target = await serve(() => reached.resolve());
  await client.createQueue({ parent: location, queue: { name: `${location}/queues/extra` } });
  await client.updateQueue({ queue: { name: mail, retryConfig: { maxAttempts: 77 } } });
  await client.pauseQueue({ name: `${location}/queues/week` });
  emulator.faults.add({ match: { queue: 'week' }, fault: { kind: 'refuse' } });
  const first = await create(target.url);
  await create(target.url, { id: 'named' });
  await create(target.url, { queue: 'extra', at: emulator.clock.now() + DAY_MS });
  await reached.promise;
  await emulator.reset();
  const [queues] = await client.listQueues({ parent: location });
  expect(queues).toMatchObject([
    { name: mail, state: 'RUNNING', retryConfig: { maxAttempts: 3 } },
    { name: `${location}/queues/week`, state: 'RUNNING' },
  ]);
  expect(emulator.attempts()).toEqual([]);
  expect(emulator.faults.list()).toEqual([]);
  expect(emulator.clock.now()).toBe(Date.UTC(2026, 0, 1));
  expect(await create(target.url, { at: emulator.clock.now() + DAY_MS })).toBe(first);
  await create(target.url, { id: 'named', at: emulator.clock.now() + DAY_MS });
});

test('a task of a pull queue keeps nobody waiting for attempts, and no clock moving', async () => {
  const post = async (path: string, body: object): Promise<number> => {
    const response = await fetch(`${emulator.url}/v2beta2/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    return response.status;
  };
  const pulled = `${location}/queues/pulled`;
  expect(await post(`${location}/queues`, { name: pulled, pullTarget: {} })).toBe(200);
  expect(await post(`${pulled}/tasks`, { task: { pullMessage: { tag: 'a' } } })).toBe(200);
  await emulator.settled();
  expect(await emulator.clock.runNext()).toBe(false);
  await expect(emulator.idle({ timeoutMs: 20 })).rejects.toThrow('paused or pulled from');
  expect(emulator.clock.now()).toBe(Date.UTC(2026, 0, 1));
});

test('a reset frees every name, also in the strict profile', async () => {
  const strict = await startEmulator({ profile: 'strict', queues: [{ name: 'mail' }] });
  onTestFinished(() => strict.close());
  const deleteQueue = async (): Promise<number> => {
    const response = await fetch(`${strict.url}/v2/${mail}`, { method: 'DELETE' });
    return response.status;
  };
  expect(await deleteQueue()).toBe(200);
  await strict.reset();
  expect(await deleteQueue()).toBe(200);
  await strict.reset();
});

/** What happens to 30 tasks under heavy weather. */
async function history(seed: number): Promise<unknown[]> {
  const target = await serve();
  const stormy = await startEmulator({ clock: 'virtual', seed, queues: [{ name: 'mail' }] });
  const by = clientOf(stormy);
  onTestFinished(async () => {
    await by.close();
    await stormy.close();
  });
  stormy.faults.add({ probability: 0.3, fault: { kind: 'lostResponse' } });
  stormy.faults.add({ probability: 0.3, fault: { kind: 'delay', ms: 2500 } });
  stormy.faults.add({ probability: 0.3, fault: { kind: 'respond', httpStatus: 503, retryAfterMs: 4000 } });
  for (let n = 0; n < 30; n += 1) await create(target.url, { by });
  await stormy.idle();
  return stormy
    .attempts()
    .map(({ taskName, attempt, startedAt, endedAt, result, outcome }) =>
      [taskName, attempt, startedAt, endedAt, JSON.stringify(result), outcome].join(' '),
    );
}

test('the same seed gives the same history, over real HTTP; another seed another one', async () => {
  const first = await history(7);
  expect(first.length).toBeGreaterThan(30);
  expect(await history(7)).toEqual(first);
  expect(await history(8)).not.toEqual(first);
});

test("on the system's clock the waits work too, and moving it is refused", async () => {
  const target = await serve();
  const real = await startEmulator({ queues: [{ name: 'mail' }] });
  const by = clientOf(real);
  onTestFinished(async () => {
    await by.close();
    await real.close();
  });
  await create(target.url, { by });
  expect(await real.waitForDeliveries({}, 1)).toHaveLength(1);
  await real.idle();
  await create(target.url, { by, at: Date.now() + DAY_MS });
  await real.settled();
  await expect(real.idle({ timeoutMs: 1 })).rejects.toThrow('the next task that waits falls due at');
  await expect(real.clock.advance(1)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  const idle = real.idle();
  await real.reset();
  await idle;
});

test('closing the emulator ends the waits', async () => {
  const real = await startEmulator({ queues: [{ name: 'mail' }] });
  const waiting = real.waitForDeliveries({}, 1);
  const refused = expect(waiting).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  await real.close();
  await refused;
});
