import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { task, worker } from '../../lib/index.ts';
import { jsonLog } from '../../lib/json-log.ts';
import { withRequestTrace } from '../../lib/request-trace.ts';
import { z } from 'zod';
import { testFirestore } from '../support/firestore.ts';
import { startIssuer } from '../support/issuer.ts';
import { portOf, serveFunctions } from '../support/serve-functions.ts';
import { testPorts, testRuntime } from '../support/test-runtime.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const lines: string[] = [];

beforeEach(() => {
  lines.length = 0;
  vi.stubEnv('GOOGLE_CLOUD_PROJECT', 'my-project');
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const entries = (): Record<string, unknown>[] =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>);

/** What is logged, after an await, for a request with these headers. */
async function loggedFor(headers: Readonly<Record<string, string>>): Promise<Record<string, unknown>> {
  await withRequestTrace(
    (name) => headers[name],
    async () => {
      await setImmediate();
      jsonLog.write('INFO', 'The run started', { task: 'walk', run: 'r1', shard: 0 });
    },
  );
  return entries().at(-1) ?? {};
}

test('an entry has a severity, a message, and what people filter by as labels', async () => {
  expect(await loggedFor({})).toEqual({
    severity: 'INFO',
    message: 'The run started',
    task: 'walk',
    run: 'r1',
    shard: 0,
    'logging.googleapis.com/labels': {
      pageturner_task: 'walk',
      pageturner_run: 'r1',
      pageturner_shard: '0',
    },
  });
});

test('an entry belongs to the trace of its request, by traceparent', async () => {
  expect(await loggedFor({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` })).toMatchObject({
    'logging.googleapis.com/trace': `projects/my-project/traces/${traceId}`,
    'logging.googleapis.com/spanId': '00f067aa0ba902b7',
    'logging.googleapis.com/trace_sampled': true,
  });
});

test("or by Google's own header, whose span is a decimal number", async () => {
  expect(await loggedFor({ 'X-Cloud-Trace-Context': `${traceId}/74;o=0` })).toMatchObject({
    'logging.googleapis.com/trace': `projects/my-project/traces/${traceId}`,
    'logging.googleapis.com/spanId': '000000000000004a',
    'logging.googleapis.com/trace_sampled': false,
  });
});

test.each([
  'nonsense',
  `ff-${traceId}-00f067aa0ba902b7-01`,
  `00-${traceId}-00f067aa0ba902b7-01-more`,
  `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
])('a malformed traceparent is none: %s', async (traceparent) => {
  expect(await loggedFor({ traceparent })).not.toHaveProperty(['logging.googleapis.com/trace']);
});

test('requests at the same time keep their traces apart, and outside of them there is none', async () => {
  const other = 'a'.repeat(32);
  await Promise.all([
    loggedFor({ traceparent: `00-${traceId}-00f067aa0ba902b7-01` }),
    loggedFor({ traceparent: `00-${other}-00f067aa0ba902b7-01` }),
  ]);
  jsonLog.write('INFO', 'outside', {});
  expect(entries().map((entry) => entry['logging.googleapis.com/trace'])).toEqual([
    `projects/my-project/traces/${traceId}`,
    `projects/my-project/traces/${other}`,
    undefined,
  ]);
});

test('a worker logs the error of a handler with its stack, in the trace, without the parameters', async () => {
  const broken = task({
    name: 'broken',
    queue: 'mail',
    params: z.object({ to: z.string() }),
    run() {
      throw new Error('the mail server is down');
    },
  });
  const issuer = await startIssuer();
  const runtime = testRuntime({ ...testPorts(testFirestore()), log: jsonLog }, issuer.url);
  const server = await serveFunctions({ broken: worker(broken, () => runtime) });
  onTestFinished(() => void server.close());
  const token = await issuer.token('https://functions.example/broken', {
    email: 'tasks@p.iam.gserviceaccount.com',
  });
  const response = await fetch(`http://127.0.0.1:${portOf(server)}/broken`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
    body: JSON.stringify({ kind: 'task', id: 'x1', params: { to: 'ada@example.com' }, repeat: 0 }),
  });
  expect(response.status).toBe(500);
  const logged = lines.filter((line) => line.includes('the mail server is down'));
  expect(logged).toHaveLength(1);
  expect(JSON.parse(logged[0] ?? '')).toMatchObject({
    severity: 'ERROR',
    stack_trace: expect.stringMatching(/^Error: the mail server is down\n +at .*run/),
    'logging.googleapis.com/trace': `projects/my-project/traces/${traceId}`,
  });
  expect(lines.join('')).not.toContain('ada@example.com');
});
