import { expect, test } from 'vitest';
import { emulatorForTests } from '../../../emulator/vitest.ts';
import { serve } from '../../emulator/web-server.ts';
import { callRest } from '../emulator/call-rest.ts';
import { createOn, mail, pages, start, viewOf, type NewTask } from './fixture.ts';

const emulator = await emulatorForTests({
  clock: 'virtual',
  seed: 1,
  queues: [
    {
      name: 'mail',
      rateLimits: { maxDispatchesPerSecond: 5, maxConcurrentDispatches: 3 },
      retryConfig: { maxAttempts: 2, minBackoff: '10s', maxBackoff: '10s' },
    },
    { name: 'pages', retryConfig: { maxAttempts: 1 } },
  ],
});
const create = (url: string, task: NewTask): Promise<string> => createOn(emulator, url, task);
const view = (path: string): Promise<unknown> => viewOf(emulator, path);
const named = (name: string): string => `name=${encodeURIComponent(name)}`;
const ofQueue = (name: string): string => `queue=${encodeURIComponent(name)}`;

test('queues are told with state, depth, slots and rate', async () => {
  await callRest(emulator, 'POST', `/v2/${pages}:pause`, {});
  await create('http://127.0.0.1:9/never', { id: 'later', seconds: 60 });
  expect(await view('queues')).toMatchObject({
    now: start,
    isFrozen: true,
    queues: [
      {
        id: 'mail',
        state: 'RUNNING',
        depth: 1,
        out: 0,
        slots: 3,
        rate: 5,
        effectiveRate: 5,
        nextDueAt: start + 60_000,
      },
      { id: 'pages', state: 'PAUSED', depth: 0 },
    ],
  });
});

test('the tasks of a queue come in pages, by state and by a part of the id', async () => {
  const target = await serve((response) => response.writeHead(500).end());
  for (const id of ['one', 'two', 'three']) await create(target.url, { id, seconds: 60 });
  await create(target.url, { id: 'Failing' });
  await emulator.settled();
  const first = (await view(`tasks?${ofQueue(mail)}&limit=2`)) as { tasks: { id: string }[]; next: number };
  expect(first.tasks.map(({ id }) => id)).toEqual(['one', 'two']);
  const second = await view(`tasks?${ofQueue(mail)}&limit=2&start=${first.next}`);
  expect(second).toMatchObject({ tasks: [{ id: 'three' }, { id: 'Failing' }] });
  expect(await view(`tasks?${ofQueue(mail)}&state=retrying`)).toMatchObject({
    tasks: [
      {
        id: 'Failing',
        attempts: 1,
        lastError: 'INTERNAL(13): HTTP status code 500',
        scheduleAt: start + 10_000,
      },
    ],
  });
  expect(await view(`tasks?${ofQueue(mail)}&name=fail`)).toMatchObject({ tasks: [{ id: 'Failing' }] });
  await callRest(emulator, 'DELETE', `/v2/${mail}/tasks/two`);
  expect(await view(`tasks?${ofQueue(mail)}&state=gone`)).toMatchObject({
    tasks: [{ id: 'two', state: 'deleted', leftAt: start }],
  });
  expect(await view(`tasks?${ofQueue(mail)}&state=waiting`)).toMatchObject({
    tasks: [{ id: 'one' }, { id: 'three' }],
  });
});

test('an unknown queue, task or chain and a bad question are refused with the reason', async () => {
  const refusal = async (path: string): Promise<unknown> =>
    (await callRest(emulator, 'GET', `/console/views/${path}`)).body;
  expect(await refusal(`tasks?${ofQueue(`${mail}-none`)}`)).toMatchObject({
    error: { code: 404 },
  });
  expect(await refusal(`task?${named(`${mail}/tasks/none`)}`)).toMatchObject({ error: { code: 404 } });
  expect(await refusal(`task?name=x`)).toMatchObject({ error: { code: 400 } });
  expect(await refusal('chain?id=none')).toMatchObject({ error: { code: 404 } });
  expect(await refusal(`tasks?${ofQueue(mail)}&limit=many&more=1`)).toMatchObject({
    error: { code: 400, message: expect.stringMatching(/query\.limit: .*; query: .*"more"/) as string },
  });
});

test('a task is told with each attempt’s request and response; tokens are hidden and bodies made readable', async () => {
  const statuses = [503, 200];
  const target = await serve((response) =>
    response.writeHead(statuses.shift() ?? 200, { 'Set-Cookie': 'id=secret' }).end('{"ok":1}'),
  );
  const name = await create(`${target.url}/send`, {
    id: 'a',
    body: { to: '<b>ada</b>' },
    headers: { 'X-Api-Key': 'very secret' },
  });
  await emulator.idle();
  const task = await view(`task?${named(name)}`);
  expect(JSON.stringify(task)).not.toContain('secret');
  expect(task).toMatchObject({
    id: 'a',
    state: 'completed',
    createdAt: start,
    leftAt: start + 10_000,
    totalAttempts: 2,
    payload: { kind: 'json', text: '{\n  "to": "<b>ada</b>"\n}' },
    attempts: [
      { attempt: 2, outcome: 'completed', result: 'HTTP 200', hasSucceeded: true, startedAt: start + 10_000 },
      {
        attempt: 1,
        outcome: 'retry',
        result: 'HTTP 503',
        hasSucceeded: false,
        deliveries: [
          {
            method: 'POST',
            url: `${target.url}/send`,
            headers: { 'X-Api-Key': '(hidden: 11 characters)', 'X-CloudTasks-TaskRetryCount': '0' },
            response: {
              httpStatus: 503,
              headers: { 'set-cookie': '(hidden: 9 characters)' },
              payload: { kind: 'json' },
            },
          },
        ],
      },
    ],
  });
  expect(await view(`task?${named(name)}&before=2`)).toMatchObject({ attempts: [{ attempt: 1 }] });
});

test('the graveyard has the last error, and what is enqueued again leaves it', async () => {
  const target = await serve((response) => response.writeHead(418).end());
  const name = await create(target.url, { id: 'dead' });
  await emulator.idle();
  expect(await view('graveyard')).toMatchObject({
    tasks: [{ id: 'dead', queueId: 'mail', attempts: 2, lastError: 'UNKNOWN(2): HTTP status code 418' }],
  });
  expect(await view(`task?${named(name)}`)).toMatchObject({ state: 'exhausted', isInGraveyard: true });
  await callRest(emulator, 'POST', '/emulator/v1/graveyard:requeue', { taskName: name });
  expect(await view('graveyard')).toMatchObject({ tasks: [] });
});

test('a pull queue and its tasks are shown and can be paused and purged as the others', async () => {
  const pull = `${mail}-pull`;
  const parent = pull.slice(0, pull.indexOf('/queues/'));
  await callRest(emulator, 'POST', `/v2beta2/${parent}/queues`, { name: pull, pullTarget: {} });
  await callRest(emulator, 'POST', `/v2beta2/${pull}/tasks`, {
    task: {
      name: `${pull}/tasks/a`,
      pullMessage: { payload: Buffer.from('{"x":1}').toString('base64'), tag: 't' },
    },
  });
  await callRest(emulator, 'POST', `/v2beta2/${pull}/tasks:lease`, { maxTasks: 1, leaseDuration: '60s' });
  expect(await view(`tasks?${ofQueue(pull)}`)).toMatchObject({
    queue: { isPull: true, depth: 1 },
    tasks: [{ id: 'a', state: 'waiting', scheduleAt: start + 60_000 }],
  });
  expect(await view(`task?${named(`${pull}/tasks/a`)}`)).toMatchObject({
    tag: 't',
    payload: { kind: 'json' },
  });
  for (const action of ['pause', 'resume', 'purge'])
    expect(await callRest(emulator, 'POST', `/v2/${pull}:${action}`, {})).toMatchObject({ status: 200 });
  expect(await view(`tasks?${ofQueue(pull)}`)).toMatchObject({ tasks: [] });
});
