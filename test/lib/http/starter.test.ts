import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { iterativeTask, starter, task } from '../../../lib/index.ts';
import { createRuntime } from '../../../lib/runtime.ts';
import { testFirestore } from '../../support/firestore.ts';
import { startIssuer, type TestIssuer } from '../../support/issuer.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';
import { testPorts, testRuntime, type TestPorts } from '../../support/test-runtime.ts';

const params = z.object({ program: z.string() });
const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params,
  query: (_, db) => db.collection('things'),
  page: () => {},
});
const ping = task({ name: 'ping', queue: 'default', params: z.object({ path: z.string() }), run: () => {} });

let issuer: TestIssuer;
let ports: TestPorts;
let url: string;

interface Call {
  readonly name?: string;
  readonly query?: string;
  readonly body?: unknown;
  readonly email?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
}

async function call({
  name = 'start-walk',
  query = '',
  body,
  email = 'admin@example.com',
  method = 'POST',
  headers = {},
}: Call = {}) {
  const token = await issuer.token(`https://functions.example/${name}`, { email });
  const response = await fetch(`${url}/${name}${query}`, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: (text.startsWith('{') ? JSON.parse(text) : text) as Record<string, unknown>,
  };
}

beforeEach(async () => {
  issuer = await startIssuer();
  ports = testPorts(testFirestore());
  const runtime = () => testRuntime(ports, issuer.url);
  const server = await serveFunctions({
    'start-walk': starter(walk, {}, runtime),
    'start-open': starter(
      { ...walk, name: 'open' },
      {
        key: ({ program }) => program,
        shards: 3,
        callersMaySet: ['at', 'shards', 'repeat', 'documentsPerSecond'],
        documentsPerSecond: 7,
      },
      runtime,
    ),
    'start-ping': starter(
      ping,
      { callers: ['cron@example.com'], params: (request) => ({ path: request.path }) },
      runtime,
    ),
  });
  onTestFinished(() => void server.close());
  url = `http://127.0.0.1:${portOf(server)}`;
});

test('an allowed caller starts a run, and is told at once its id and where to see it', async () => {
  const answer = await call({ body: { program: 'gsoc2026' } });
  expect(answer.status).toBe(202);
  const { runId } = answer.body as { runId: string };
  expect(answer.body).toEqual({
    task: 'walk',
    runId,
    document: `pageturnerRuns/${runId}`,
    show: `pageturner runs show ${runId}`,
  });
  const run = await ports.store.db.doc(`pageturnerRuns/${runId}`).get();
  expect(run.data()).toMatchObject({ task: 'walk', state: 'starting', startedBy: 'admin@example.com' });
  expect(ports.queue.tasks.map((queued) => queued.delivery)).toEqual([
    { kind: 'prepare', run: runId, epoch: 0 },
  ]);
});

test('a starter may build its parameters from the request, and name its own callers', async () => {
  expect(await call({ name: 'start-ping', email: 'cron@example.com' })).toMatchObject({
    status: 202,
    body: { task: 'ping' },
  });
  expect(ports.queue.tasks[0]?.delivery).toMatchObject({ kind: 'task', params: { path: '/start-ping' } });
});

test('a dry run is started where it is asked for, and the answer says that it is one', async () => {
  const answer = await call({ query: '?dryRun=true', body: { program: 'a' } });
  expect(answer).toMatchObject({ status: 202, body: { dryRun: true } });
  const run = await ports.store.db.doc(`pageturnerRuns/${String(answer.body['runId'])}`).get();
  expect(run.data()).toMatchObject({ isDryRun: true });
});

test('what may mean a dry run starts nothing', async () => {
  for (const asked of ['dryRun=yes', 'dryRun', 'dryRun=true&dryRun=false']) {
    const answer = await call({ query: `?${asked}`, body: { program: 'a' } });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('?dryRun=true') } },
    });
  }
  expect(ports.queue.tasks).toEqual([]);
});

test('the same Idempotency-Key starts one run, however often it is sent', async () => {
  const headers = { 'Idempotency-Key': 'import-7' };
  const [first, second] = [
    await call({ body: { program: 'a' }, headers }),
    await call({ body: { program: 'a' }, headers }),
  ];
  expect(second.body).toEqual({ ...first.body, existed: true });
  expect(first.body).not.toHaveProperty('existed');
  expect(ports.queue.tasks).toHaveLength(1);
});

test.each([
  ['parameters that fail the schema', { program: 3 }, 'program: '],
  ['parameters that are too large', { program: 'x'.repeat(600_000) }, '600014 bytes as JSON, and may have'],
  ['no body', undefined, 'program: '],
  ['a body that is not JSON', '{"program"', 'The body is not JSON'],
])('%s: 400, the fault named, nothing started', async (_, body, message) => {
  // The Functions Framework itself refuses what calls itself JSON and is not; see the next test.
  const answer = await call({ body, headers: { 'content-type': 'text/plain' } });
  expect(answer).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining(message) } },
  });
  expect(ports.queue.tasks).toEqual([]);
});

test('a body that calls itself JSON and is not is refused before it reaches the starter', async () => {
  expect((await call({ body: '{"program"' })).status).toBe(400);
  expect(ports.queue.tasks).toEqual([]);
});

test('somebody who is not among the callers is refused', async () => {
  expect(await call({ body: { program: 'a' }, email: 'mallory@example.com' })).toMatchObject({
    status: 403,
    body: {
      error: {
        message: 'mallory@example.com may not call start-walk: it is not among its callers.',
      },
    },
  });
});

test('no token: 401', async () => {
  const response = await fetch(`${url}/start-walk`, { method: 'POST', body: '{}' });
  expect(response.status).toBe(401);
  expect(response.headers.get('www-authenticate')).toBe('Bearer');
});

test('an unexpected error: 500 that promises no delivery, and the log has it whole', async () => {
  ports.queue.enqueue = async () => {
    throw new Error('the secret reason');
  };
  const answer = await call({ body: { program: 'a' } });
  expect(answer).toMatchObject({
    status: 500,
    body: { error: { code: 'internal', message: expect.stringMatching(/^The task could not be started;/) } },
  });
  expect(JSON.stringify(answer.body)).not.toMatch(/delivered|secret/);
  expect(ports.log.entries.at(-1)).toMatchObject({
    severity: 'ERROR',
    message: expect.stringContaining('the secret reason'),
  });
});

test('another method than POST: 405', async () => {
  expect(await call({ method: 'GET' })).toMatchObject({ status: 405 });
});

test('a function without its settings names them in its answer, in the form of every other error', async () => {
  const misconfigured = starter(walk, {}, () => createRuntime({}));
  const server = await serveFunctions({ 'start-bare': misconfigured });
  onTestFinished(() => void server.close());
  const response = await fetch(`http://127.0.0.1:${portOf(server)}/start-bare`, { method: 'POST' });
  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({
    error: { code: 'misconfigured', message: expect.stringContaining('PAGETURNER_LOCATION is not set') },
  });
});

test('a starter sets the key and the shards of its runs, and a second start with the key is refused', async () => {
  const first = await call({ name: 'start-open', body: { program: 'a' } });
  const { runId } = first.body as { runId: string };
  const run = await ports.store.db.doc(`pageturnerRuns/${runId}`).get();
  expect(run.data()).toMatchObject({ key: 'a', shards: 3, documentsPerSecond: 7 });
  expect(await call({ name: 'start-open', body: { program: 'a' } })).toMatchObject({
    status: 409,
    body: { error: { message: expect.stringContaining(`Run ${runId} of task "open" has the key "a"`) } },
  });
});

test('callers set in the URL what a starter lets them', async () => {
  const query = '?at=2026-01-01T00:00:00Z&shards=5&repeat=60&documentsPerSecond=0.5';
  const { body } = await call({ name: 'start-open', body: { program: 'a' }, query });
  const run = await ports.store.db.doc(`pageturnerRuns/${String(body['runId'])}`).get();
  expect(run.data()).toMatchObject({
    key: 'a',
    shards: 5,
    repeat: { after: 60, shards: 5 },
    documentsPerSecond: 0.5,
  });
  expect(ports.queue.tasks[0]?.at).toBe(Date.parse('2026-01-01T00:00:00Z'));
});

test.each([
  ['start-walk', '?shards=2', 'Callers of this starter may not set shards'],
  ['start-open', '?key=b&delay=1', 'Callers of this starter may not set delay or key'],
  ['start-open', '?shards=many', 'shards: must be a number'],
  ['start-open', '?repeat=-1', 'repeat: must be a number from 0 on, such as 60'],
  ['start-open', '?shards=0', 'shards is 0; give a whole number from 1 to 100.'],
  ['start-open', '?at=tomorrow', 'at: must be an instant'],
  ['start-open', '?documentsPerSecond=0', 'documentsPerSecond 0: write a number from 0.1'],
  ['start-open', '?documentsPerSecond=fast', 'documentsPerSecond: '],
  ['start-open', '?repeat=0', 'repeat.after 0: write seconds'],
])('%s refuses %s: 400, and nothing is started', async (name, query, message) => {
  const answer = await call({ name, body: { program: 'a' }, query });
  expect(answer).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining(message) } },
  });
  expect(ports.queue.tasks).toEqual([]);
});

test('what the URL has and a start does not know is refused, so that a slip in dryRun starts no real run', async () => {
  for (const query of ['?dryrun=true', '?shard=8']) {
    const answer = await call({ name: 'start-open', query, body: { program: 'gsoc2026' } });
    expect(answer.status).toBe(400);
    expect(answer.body).toEqual({
      error: {
        code: 'invalid-request',
        message: `The URL has "${query.slice(1).split('=')[0]}", and may have delay, at, key, shards, repeat, documentsPerSecond, dryRun; parameters of the task go into the body.`,
      },
    });
  }
  expect(ports.queue.tasks).toEqual([]);
});

test('an option that is not known is refused where the starter is made', () => {
  expect(() => starter(walk, { queue: 'few' } as object)).toThrow(
    'The starter of "walk" has "queue", which is not known: write one of callers, params, key, ',
  );
});
