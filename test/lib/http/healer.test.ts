import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { healer } from '../../../lib/index.ts';
import { startRun } from '../../../lib/start-run.ts';
import { testFirestore } from '../../support/firestore.ts';
import { startIssuer, type TestIssuer } from '../../support/issuer.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';
import { testPorts, testRuntime, type TestPorts } from '../../support/test-runtime.ts';
import { walk } from '../../support/walk.ts';

const scheduler = 'scheduler@p.iam.gserviceaccount.com';

let issuer: TestIssuer;
let ports: TestPorts;
let url: string;

beforeEach(async () => {
  issuer = await startIssuer();
  ports = testPorts(testFirestore());
  const later = { ...ports, clock: { ...ports.clock, now: () => Date.now() + 300_000 } };
  const options = { callers: [scheduler], quietSeconds: 240 };
  const server = await serveFunctions({ heal: healer(options, () => testRuntime(later, issuer.url)) });
  onTestFinished(() => void server.close());
  url = `http://127.0.0.1:${portOf(server)}/heal`;
  await startRun(walk, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports);
  ports.queue.tasks.length = 0;
});

async function call(email: string, method = 'POST', query = ''): Promise<{ status: number; body: unknown }> {
  const token = await issuer.token('https://functions.example/heal', { email });
  const response = await fetch(url + query, { method, headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, body: await response.json() };
}

test('the scheduler has dead runs restarted, and is told which', async () => {
  expect(await call(scheduler)).toEqual({ status: 200, body: { seen: 1, healed: ['r'], failed: [] } });
  expect(ports.queue.tasks).toHaveLength(1);
});

test('a run that could not be healed makes the answer a 503 that names it', async () => {
  ports.queue.has = () => Promise.reject(new Error('no such queue'));
  expect(await call(scheduler)).toEqual({
    status: 503,
    body: { seen: 1, healed: [], failed: [{ run: 'r', message: 'no such queue' }] },
  });
});

test('nobody else may call, and only with POST', async () => {
  expect(await call('admin@example.com')).toMatchObject({
    status: 403,
    body: { error: { code: 'forbidden' } },
  });
  expect(await call(scheduler, 'GET')).toMatchObject({ status: 405 });
  expect((await fetch(url, { method: 'POST' })).status).toBe(401);
  expect(ports.queue.tasks).toEqual([]);
});

test('a query is refused, and nothing is healed', async () => {
  expect(await call(scheduler, 'POST', '?quietSeconds=0')).toEqual({
    status: 400,
    body: {
      error: {
        code: 'invalid-request',
        message: `The URL has "quietSeconds", and may have no query: leave it out. How long a run must be still, its owner says with healer({ quietSeconds: … }).`,
      },
    },
  });
  expect(ports.queue.tasks).toEqual([]);
});
