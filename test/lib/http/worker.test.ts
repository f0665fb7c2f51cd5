import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { newShard } from '../../../lib/core/run.ts';
import { FatalTaskError, iterativeTask, task, worker } from '../../../lib/index.ts';
import { testFirestore } from '../../support/firestore.ts';
import { startIssuer, type TestIssuer } from '../../support/issuer.ts';
import { sampleRun } from '../../support/runs.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';
import { testPorts, testRuntime, type TestPorts } from '../../support/test-runtime.ts';

const handled: unknown[] = [];
const params = z.object({ to: z.string() });
const oneShot = task({
  name: 'one-shot',
  queue: 'mail',
  params,
  run({ to }) {
    if (to === 'fatal') throw new FatalTaskError('refused for good');
    if (to === 'broken') throw new Error('secret-of-the-handler');
    handled.push(to);
  },
});
const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params,
  query: (_, db) => db.collection('things'),
  page: () => {},
});
const delivery = { kind: 'task', id: 'x1', params: { to: 'a' }, repeat: 0 };

let issuer: TestIssuer;
let ports: TestPorts;
let url: string;

async function post(name: string, body: unknown, token?: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${url}/${name}`, {
    method: 'POST',
    headers: {
      'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

const queueToken = (name: string) =>
  issuer.token(`https://functions.example/${name}`, { email: 'tasks@p.iam.gserviceaccount.com' });

beforeEach(async () => {
  handled.length = 0;
  issuer = await startIssuer();
  ports = testPorts(testFirestore());
  const runtime = testRuntime(ports, issuer.url);
  const server = await serveFunctions({
    'one-shot': worker(oneShot, () => runtime),
    walk: worker(walk, () => runtime),
  });
  onTestFinished(() => void server.close());
  url = `http://127.0.0.1:${portOf(server)}`;
});

test('a delivery of its queue is worked on and answered 200', async () => {
  expect(await post('one-shot', delivery, await queueToken('one-shot'))).toEqual({
    status: 200,
    body: { outcome: 'done' },
  });
  expect(handled).toEqual(['a']);
});

describe('access', () => {
  test('nobody without a token gets in', async () => {
    const answer = await post('one-shot', delivery);
    expect(answer).toMatchObject({ status: 401, body: { error: { code: 'unauthenticated' } } });
  });

  test('a token for another function is refused and told which audience it needs', async () => {
    const answer = await post('one-shot', delivery, await queueToken('walk'));
    expect(answer).toMatchObject({
      status: 401,
      body: { error: { message: expect.stringContaining('audience https://functions.example/one-shot') } },
    });
  });

  test('a good token of somebody else is refused: workers are called by their queue only', async () => {
    const token = await issuer.token('https://functions.example/one-shot');
    const answer = await post('one-shot', delivery, token);
    expect(answer).toMatchObject({
      status: 403,
      body: {
        error: {
          code: 'forbidden',
          message: expect.stringContaining('someone@example.com may not call this worker'),
        },
      },
    });
  });

  test('headers of Cloud Tasks alone open nothing', async () => {
    const response = await fetch(`${url}/one-shot`, {
      method: 'POST',
      headers: {
        'X-CloudTasks-QueueName': 'mail',
        'X-CloudTasks-TaskName': 't',
        'content-type': 'application/json',
      },
      body: JSON.stringify(delivery),
    });
    expect(response.status).toBe(401);
    expect(handled).toEqual([]);
  });
});

describe('bad deliveries', () => {
  test('a body that is not JSON', async () => {
    const answer = await post('one-shot', '{"kind": ', await queueToken('one-shot'));
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('The body is not JSON') } },
    });
  });

  test('a body that Pageturner did not make', async () => {
    const answer = await post('one-shot', { hello: 1 }, await queueToken('one-shot'));
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('Start tasks with startTask()') } },
    });
  });

  test('parameters that fail the schema', async () => {
    const answer = await post('one-shot', { ...delivery, params: { to: 3 } }, await queueToken('one-shot'));
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid-parameters', message: expect.stringContaining('to: ') } },
    });
  });

  test('a turn for a one-shot task, and a task for a walk', async () => {
    const turn = { kind: 'turn', run: 'r', shard: 0, turn: 0, epoch: 0, cursor: null };
    expect(await post('one-shot', turn, await queueToken('one-shot'))).toMatchObject({
      status: 400,
      body: { error: { message: '"one-shot" is a one-shot task, and takes no delivery of kind "turn".' } },
    });
    expect(await post('walk', delivery, await queueToken('walk'))).toMatchObject({ status: 400 });
  });

  test('a turn of a run that nobody knows is dropped, so that the queue is rid of it', async () => {
    const turn = { kind: 'turn', run: 'unknown', shard: 0, turn: 0, epoch: 0, cursor: null };
    expect(await post('walk', turn, await queueToken('walk'))).toEqual({
      status: 200,
      body: { outcome: 'void' },
    });
    expect(ports.log.entries).toContainEqual(expect.objectContaining({ severity: 'WARNING' }));
  });
});

test('a turn that another delivery may have, of a run that is to stop, is answered 503 and warns of nothing', async () => {
  await ports.store.createRun(sampleRun({ state: 'pausing', updatedAt: Date.now() }));
  await ports.store.changeRun('r', () => ({ shards: [newShard(0, 1)] }));
  const turn = { kind: 'turn', run: 'r', shard: 0, turn: 0, epoch: 0, cursor: null };
  expect(await post('walk', turn, await queueToken('walk'))).toMatchObject({
    status: 503,
    body: { error: { code: 'held' } },
  });
  expect(ports.log.entries.map(({ severity }) => severity)).toEqual(['INFO']);
});

describe('errors of the handler', () => {
  test('are answered 500 without a word of theirs, and logged whole', async () => {
    const answer = await post(
      'one-shot',
      { ...delivery, params: { to: 'broken' } },
      await queueToken('one-shot'),
    );
    expect(answer).toMatchObject({ status: 500, body: { error: { code: 'internal' } } });
    expect(JSON.stringify(answer.body)).not.toContain('secret-of-the-handler');
    expect(ports.log.entries.at(-1)?.message).toMatch(/secret-of-the-handler[\s\S]*at \S*run/);
  });

  test('that are fatal are recorded and end the task', async () => {
    const answer = await post(
      'one-shot',
      { ...delivery, params: { to: 'fatal' } },
      await queueToken('one-shot'),
    );
    expect(answer).toEqual({ status: 200, body: { outcome: 'failed' } });
    const record = await ports.store.db.doc('pageturnerFailures/x1').get();
    expect(record.data()).toMatchObject({
      task: 'one-shot',
      message: 'refused for good',
      params: '{"to":"fatal"}',
    });
  });
});
