import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { transition } from '../../../lib/core/transition.ts';
import { controls } from '../../../lib/index.ts';
import { testFirestore } from '../../support/firestore.ts';
import { startIssuer, type TestIssuer } from '../../support/issuer.ts';
import { begin } from '../../support/runs.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';
import { testPorts, testRuntime, type TestPorts } from '../../support/test-runtime.ts';
import { walk } from '../../support/walk.ts';

let issuer: TestIssuer;
let ports: TestPorts;
let url: string;

beforeEach(async () => {
  issuer = await startIssuer();
  ports = testPorts(testFirestore());
  const server = await serveFunctions({ runs: controls({}, () => testRuntime(ports, issuer.url)) });
  onTestFinished(() => void server.close());
  url = `http://127.0.0.1:${portOf(server)}/runs`;
  await begin(walk, ports);
});

async function call(
  method: string,
  { query = '', body, email = 'admin@example.com' }: { query?: string; body?: unknown; email?: string } = {},
): Promise<{ status: number; body: unknown }> {
  const token = await issuer.token('https://functions.example/runs', { email });
  const response = await fetch(url + query, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

const post = (body: unknown) => call('POST', { body });

test('a caller pauses, resumes and cancels a run, each as often as they like, and it is kept who did', async () => {
  for (const [command, state] of [
    ['pause', 'pausing'],
    ['pause', 'pausing'],
    ['resume', 'running'],
  ]) {
    const answer = await post({ run: 'r', command });
    expect(answer).toMatchObject({ status: 200, body: { id: 'r', state } });
  }
  expect(await post({ run: 'r', command: 'cancel', force: true, reason: 'a mistake' })).toMatchObject({
    status: 200,
    body: {
      state: 'canceled',
      history: [
        { event: 'prepared', by: 'worker' },
        { event: 'pause', by: 'admin@example.com' },
        { event: 'resume', by: 'admin@example.com' },
        { event: 'cancel', by: 'admin@example.com', reason: 'a mistake' },
        { event: 'stopped' },
      ],
    },
  });
  expect(await post({ run: 'r', command: 'resume' })).toMatchObject({
    status: 409,
    body: { error: { code: 'invalid-state' } },
  });
});

test('a caller retries a run that failed, and is refused where it did not', async () => {
  await ports.store.changeRun('r', ({ run }) => ({ run: transition(run, 'fail', { at: 1, by: 'test' }) }));
  const retry = { run: 'r', command: 'retry', reason: 'it is back' };
  expect(await post(retry)).toMatchObject({ status: 200, body: { state: 'running' } });
  await post({ run: 'r', command: 'cancel', force: true });
  expect(await post(retry)).toMatchObject({ status: 409, body: { error: { code: 'invalid-state' } } });
});

test('a caller sees one run, and the newest', async () => {
  expect(await call('GET', { query: '?run=r' })).toMatchObject({
    status: 200,
    body: { id: 'r', task: 'walk', state: 'running', shards: [{ index: 0 }] },
  });
  expect(await call('GET')).toMatchObject({ status: 200, body: { runs: [{ id: 'r' }] } });
  expect(await call('GET', { query: '?task=other' })).toEqual({ status: 200, body: { runs: [] } });
});

test('a run that does not exist is answered 404', async () => {
  expect(await call('GET', { query: '?run=none' })).toMatchObject({ status: 404 });
  expect(await post({ run: 'none', command: 'pause' })).toMatchObject({ status: 404 });
});

test.each([
  [{ run: 'r', command: 'explode' }, 'command: '],
  [{ run: 'a/b', command: 'pause' }, 'run: must be the id of a run'],
  [{ run: 'r', command: 'pause', forced: true }, 'forced'],
  [{ run: 'r', command: 'resume', force: true }, 'force'],
  [undefined, 'command: '],
])('a body that does not fit is answered 400 with what is wrong: %j', async (body, fault) => {
  const answer = await post(body);
  expect(answer).toMatchObject({
    status: 400,
    body: { error: { code: 'invalid-request', message: expect.stringContaining(fault) } },
  });
});

test.each([
  ['?foo=1', 'The request does not fit: the query: Unrecognized key: "foo"'],
  ['?run=r&task=walk', 'the query: '],
  ['?limit=0', 'limit: '],
])('a query that does not fit is answered 400 with what is wrong: %s', async (query, fault) => {
  const answer = await call('GET', { query });
  expect(answer).toMatchObject({
    status: 400,
    body: { error: { code: 'invalid-request', message: expect.stringContaining(fault) } },
  });
});

test('nobody else may look or act, and nothing but GET and POST is taken', async () => {
  const email = 'someone@example.com';
  expect(await call('GET', { email })).toMatchObject({ status: 403 });
  expect(await call('POST', { email, body: { run: 'r', command: 'cancel' } })).toMatchObject({ status: 403 });
  expect(await call('DELETE')).toMatchObject({ status: 405 });
  expect((await fetch(url)).status).toBe(401);
  expect(await call('GET', { query: '?run=r' })).toMatchObject({ body: { state: 'running' } });
});

test('a caller tells a run to stop repeating, and is answered the run that is the last', async () => {
  await ports.store.changeRun('r', ({ run }) => ({ run: { ...run, repeat: { after: 60, shards: 1 } } }));
  expect(await post({ run: 'r', command: 'stop-repeating', reason: 'enough' })).toMatchObject({
    status: 200,
    body: { id: 'r', state: 'running', history: [{}, { event: 'stop-repeating', reason: 'enough' }] },
  });
  expect((await ports.store.getRun('r'))?.run.repeat).toBeUndefined();
});

test('a caller has a run go slower, and is told what is wrong with a rate', async () => {
  const command = 'throttle';
  expect(await post({ run: 'r', command, documentsPerSecond: 20, reason: 'peak' })).toMatchObject({
    status: 200,
    body: {
      throttledTo: 20,
      history: [{}, { event: 'throttle', documentsPerSecond: 20, by: 'admin@example.com', reason: 'peak' }],
    },
  });
  const { body } = await post({ run: 'r', command, documentsPerSecond: null });
  expect(body).not.toHaveProperty('throttledTo');
  for (const [documentsPerSecond, message] of [
    [0, 'documentsPerSecond 0: write a number from 0.1'],
    ['20', 'The request does not fit: documentsPerSecond'],
    [undefined, 'Write it as {"run": "4f1c…", "command": "throttle", "documentsPerSecond": 50}.'],
  ] as const) {
    expect(await post({ run: 'r', command, documentsPerSecond })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining(message) } },
    });
  }
});
