import { request } from 'undici';
import { expect, test } from 'vitest';
import { emulatorForTests } from '../../../emulator/vitest.ts';
import { serve } from '../../emulator/web-server.ts';

const emulator = await emulatorForTests({
  clock: 'virtual',
  seed: 1,
  queues: [{ name: 'mail', retryConfig: { maxAttempts: 2, minBackoff: '10s', maxBackoff: '10s' } }],
});
const start = Date.UTC(2026, 0, 1);
const queue = 'projects/demo-pageturner/locations/us-central1/queues/mail';

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** As `curl -X METHOD URL -d BODY` does. */
async function call(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await request(`${emulator.url}${path}`, { method, headers, body: text ?? null });
  return { status: response.statusCode, body: await response.body.json() };
}

async function create(url: string, id: string, more: object = {}): Promise<void> {
  const task = { name: `${queue}/tasks/${id}`, httpRequest: { url, body: 'eyJhIjoxfQ==' }, ...more };
  expect(await call('POST', `/v2/${queue}/tasks`, { body: { task } })).toMatchObject({ status: 200 });
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

test('wait until idle, then look at the attempts and deliveries', async () => {
  const target = await serve((response) => response.writeHead(200, { 'X-A': 'b' }).end('fine'));
  await create(`${target.url}/send`, 'a');
  expect(await call('GET', '/emulator/v1/idle?timeoutMs=5000')).toEqual(ok({}));
  expect(await call('GET', '/emulator/v1/idle?until=settled')).toEqual(ok({}));
  const delivery = {
    queueName: queue,
    taskName: `${queue}/tasks/a`,
    attempt: 1,
    method: 'POST',
    url: `${target.url}/send`,
    headers: { 'X-CloudTasks-TaskName': 'a' },
    body: '{"a":1}',
    response: { httpStatus: 200, headers: { 'x-a': 'b' }, body: 'fine', isTruncated: false },
  };
  expect(await call('GET', '/emulator/v1/attempts?queue=mail')).toMatchObject(
    ok({
      attempts: [
        { taskName: `${queue}/tasks/a`, startedAt: start, outcome: 'completed', deliveries: [delivery] },
      ],
      total: 1,
    }),
  );
  expect(await call('GET', '/emulator/v1/deliveries?taskName=a&count=1')).toMatchObject(
    ok({ deliveries: [delivery], total: 1 }),
  );
  expect(await call('GET', '/emulator/v1/deliveries?taskName=b')).toEqual(ok({ deliveries: [], total: 0 }));
});

test('what Cloud Logging and Cloud Monitoring would know is there to read', async () => {
  const target = await serve();
  const mask = 'updateMask=stackdriverLoggingConfig';
  const config = { stackdriverLoggingConfig: { samplingRatio: 1 } };
  const patch = { method: 'PATCH', body: JSON.stringify(config) } as const;
  expect((await request(`${emulator.url}/v2beta3/${queue}?${mask}`, patch)).statusCode).toBe(200);
  await create(target.url, 'seen');
  await emulator.idle();
  expect(await call('GET', '/emulator/v1/logs?queue=mail&limit=1')).toMatchObject(
    ok({ entries: [{ jsonPayload: { attemptResponseLog: { status: 'OK' } } }], total: 3 }),
  );
  expect(emulator.taskLogs({ taskName: 'seen' })).toHaveLength(3);
  const metrics = await request(`${emulator.url}/metrics`);
  expect(metrics.headers['content-type']).toBe('text/plain; version=0.0.4');
  expect((await metrics.body.text()).split('\n')).toEqual(
    expect.arrayContaining([
      'cloudtasks_googleapis_com:api_request_count{api_method="CreateTask",response_code="OK"} 1',
      expect.stringMatching(/^cloudtasks_googleapis_com:queue_depth\{.*queue_id="mail"\} 0$/),
    ]),
  );
});

test('a body that is no text comes as base64', async () => {
  const target = await serve((response) => response.end(Buffer.from([0xff, 0x00])));
  await create(target.url, 'a');
  await emulator.idle();
  expect(await call('GET', '/emulator/v1/deliveries')).toMatchObject(
    ok({ deliveries: [{ response: { bodyBase64: '/wA=' } }] }),
  );
});

test('only the newest are told when a limit asks for fewer', async () => {
  const target = await serve();
  for (const id of ['a', 'b', 'c']) await create(target.url, id);
  await emulator.idle();
  expect(await call('GET', '/emulator/v1/attempts?limit=1')).toMatchObject(
    ok({ attempts: [{ taskName: `${queue}/tasks/c` }], total: 3 }),
  );
});

test('a wait that is over says how things stand', async () => {
  await call('POST', `/v2/${queue}:pause`);
  await create('http://127.0.0.1:9/', 'a');
  for (const path of ['idle?timeoutMs=20', 'deliveries?count=1&timeoutMs=20']) {
    expect(await call('GET', `/emulator/v1/${path}`)).toMatchObject({
      status: 504,
      body: {
        error: {
          status: 'DEADLINE_EXCEEDED',
          message: expect.stringContaining('tasks wait only in queues that are paused'),
        },
      },
    });
  }
});

test('the clock is read and moved', async () => {
  const target = await serve();
  const virtual = { state: 'frozen', now: start, time: '2026-01-01T00:00:00.000Z' };
  expect(await call('GET', '/emulator/v1/clock')).toEqual(ok(virtual));
  await create(target.url, 'a', { scheduleTime: '2026-01-02T00:00:00Z' });
  expect(await call('GET', '/emulator/v1/clock')).toEqual(ok({ ...virtual, nextDueAt: start + 86_400_000 }));
  expect(await call('POST', '/emulator/v1/clock:advance', { body: { ms: 1000 } })).toMatchObject(
    ok({ now: start + 1000 }),
  );
  expect(target.requests).toEqual([]);
  const next = { hasRun: true, state: 'frozen', now: start + 86_400_000, time: '2026-01-02T00:00:00.000Z' };
  expect(await call('POST', '/emulator/v1/clock:runNext')).toEqual(ok(next));
  expect(target.requests).toHaveLength(1);
  expect(await call('POST', '/emulator/v1/clock:runNext')).toEqual(ok({ ...next, hasRun: false }));
});

test('faults are added, listed and taken away', async () => {
  const target = await serve();
  const rule = { match: { queue: 'mail' }, times: 1, fault: { kind: 'respond', httpStatus: 503 } };
  expect(await call('POST', '/emulator/v1/faults', { body: rule })).toEqual(ok({ id: '1' }));
  expect(await call('POST', '/emulator/v1/faults', { body: { fault: { kind: 'refuse' }, nth: 9 } })).toEqual(
    ok({ id: '2' }),
  );
  await create(target.url, 'a');
  await emulator.idle();
  expect(target.requests).toHaveLength(1);
  expect(await call('GET', '/emulator/v1/faults')).toMatchObject(
    ok({
      seed: 1,
      faults: [
        { id: '1', rule, chances: 1, strikes: 1 },
        { id: '2', chances: 1, strikes: 0 },
      ],
    }),
  );
  expect(await call('DELETE', '/emulator/v1/faults/1')).toEqual(ok({}));
  expect(await call('DELETE', '/emulator/v1/faults/1')).toMatchObject({ status: 404 });
  expect(await call('DELETE', '/emulator/v1/faults')).toEqual(ok({}));
  expect(await call('GET', '/emulator/v1/faults')).toEqual(ok({ seed: 1, faults: [] }));
});

test('unavailable reaches a REST client as 503', async () => {
  await call('POST', '/emulator/v1/faults', { body: { fault: { kind: 'unavailable' } } });
  const task = { httpRequest: { url: 'http://127.0.0.1:9/' } };
  expect(await call('POST', `/v2/${queue}/tasks`, { body: { task } })).toMatchObject({
    status: 503,
    body: { error: { status: 'UNAVAILABLE' } },
  });
});

test('the graveyard lists what died, and creates it again', async () => {
  const target = await serve((response) => response.writeHead(500).end('broken'));
  await create(target.url, 'a');
  await emulator.idle();
  expect(await call('GET', '/emulator/v1/graveyard?queue=mail')).toMatchObject(
    ok({
      tasks: [
        {
          taskName: `${queue}/tasks/a`,
          attempts: 2,
          createdAt: start,
          diedAt: start + 10_000,
          lastStatus: { code: 13, message: 'INTERNAL(13): HTTP status code 500' },
          lastDelivery: { response: { body: 'broken' } },
        },
      ],
      total: 1,
    }),
  );
  expect(await call('POST', '/emulator/v1/graveyard:requeue', { body: { taskName: 'a' } })).toMatchObject(
    ok({ taskName: expect.stringMatching(/\/tasks\/\d{20}$/) }),
  );
  expect(await call('GET', '/emulator/v1/graveyard')).toEqual(ok({ tasks: [], total: 0 }));
  expect(await call('POST', '/emulator/v1/graveyard:requeue', { body: { taskName: 'a' } })).toMatchObject({
    status: 404,
  });
});

test('a reset begins again', async () => {
  await create('http://127.0.0.1:9/', 'a');
  expect(await call('POST', '/emulator/v1/reset')).toEqual(ok({}));
  expect(await call('GET', '/emulator/v1/attempts')).toEqual(ok({ attempts: [], total: 0 }));
  await create('http://127.0.0.1:9/', 'a');
});

test.each<[method: 'GET' | 'POST', path: string, body: unknown, field: string]>([
  ['GET', 'idle?timeoutMs=x', undefined, 'query.timeoutMs'],
  ['GET', 'idle?timeoutMs=600001', undefined, 'query.timeoutMs'],
  ['GET', 'idle?until=never', undefined, 'query.until'],
  ['GET', 'attempts?que=mail', undefined, 'que'],
  ['GET', 'deliveries?count=-1', undefined, 'query.count'],
  ['POST', 'clock:advance', {}, 'body.ms'],
  ['POST', 'clock:advance', { ms: -1 }, 'body.ms'],
  ['POST', 'clock:advance', { ms: 1e300 }, 'body.ms'],
  ['POST', 'clock:advance', '{"ms":', 'JSON'],
  ['POST', 'clock:advance', '['.repeat(1000), 'nested deeper than 100'],
  ['POST', 'clock:advance', [], 'body'],
  ['POST', 'faults', null, 'rule'],
  ['POST', 'faults', { fault: { kind: 'delay', ms: 'long' } }, 'rule.fault.ms'],
  ['POST', 'graveyard:requeue', {}, 'body.taskName'],
  ['POST', 'reset', { all: true }, 'all'],
])('%s %s with %j is refused, and the fault named', async (method, path, body, field) => {
  expect(await call(method, `/emulator/v1/${path}`, body === undefined ? {} : { body })).toMatchObject({
    status: 400,
    body: { error: { status: 'INVALID_ARGUMENT', message: expect.stringContaining(field) } },
  });
});

test('a page from elsewhere cannot drive it, and what is not there is not found', async () => {
  const headers = { origin: 'https://evil.example' };
  expect(await call('POST', '/emulator/v1/reset', { headers })).toMatchObject({ status: 403 });
  expect(await call('POST', '/emulator/v1/clock:advance', { body: 'x'.repeat(11 * 2 ** 20) })).toMatchObject({
    status: 400,
  });
  for (const path of ['nothing', 'constructor', 'idle/extra', ''])
    expect(await call('GET', `/emulator/v1/${path}`)).toMatchObject({ status: 404 });
});

test('a connection may lie idle for ten minutes, so that no client that keeps it loses a request', async () => {
  const { headers, body } = await request(`${emulator.url}/healthz`);
  await body.dump();
  expect(headers['keep-alive']).toBe('timeout=600');
});

test('an empty parameter is as if it were left out', async () => {
  const target = await serve();
  await create(target.url, 'empty');
  await call('GET', '/emulator/v1/idle?timeoutMs=');
  const { body } = await call('GET', '/emulator/v1/attempts?queue=&taskName=&url=&attempt=&limit=');
  expect(body).toMatchObject({ attempts: [{ outcome: 'completed' }], total: 1 });
});

test('a dead task that is created again keeps the retry settings that it had itself', async () => {
  const target = await serve((response) => response.writeHead(500).end());
  await create(target.url, 'once', { retryConfig: { maxAttempts: 1, minBackoff: '0s' } });
  await call('GET', '/emulator/v1/idle');
  const body = { taskName: 'once' };
  expect(await call('POST', '/emulator/v1/graveyard:requeue', { body })).toMatchObject({ status: 200 });
  await call('GET', '/emulator/v1/idle');
  expect((await call('GET', '/emulator/v1/attempts')).body).toMatchObject({
    attempts: [{ outcome: 'exhausted' }, { attempt: 1, outcome: 'exhausted' }],
    total: 2,
  });
});
