import { CloudTasksClient } from '@google-cloud/tasks';
import { credentials } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../../emulator/index.ts';
import { serve, type Received } from '../../emulator/web-server.ts';

const queue = 'projects/demo-pageturner/locations/us-central1/queues/mail';
const own = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;

async function started(options: EmulatorOptions): Promise<Emulator> {
  const emulator = await startEmulator({
    clock: 'virtual',
    seed: 1,
    queues: [{ name: 'mail', retryConfig: { maxAttempts: 2, minBackoff: '1s' } }],
    ...options,
  });
  onTestFinished(() => emulator.close());
  return emulator;
}

interface NewTask {
  readonly id: string;
  readonly url: string;
  readonly headers?: Record<string, string>;
}

/** Over REST; `caller` is the traceparent of the request that creates it. */
async function create(
  emulator: Emulator,
  { id, url, headers = {} }: NewTask,
  caller?: string,
): Promise<void> {
  const task = { name: `${queue}/tasks/${id}`, httpRequest: { url, headers } };
  const { status } = await fetch(`${emulator.url}/v2/${queue}/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(caller !== undefined && { traceparent: caller }) },
    body: JSON.stringify({ task }),
  });
  expect(status).toBe(200);
}

function traceparents(requests: readonly Received[]): (string | undefined)[] {
  return requests.map(({ headers }) => headers['traceparent']);
}

test.each(['local', 'strict'] as const)(
  'in the profile %s the header that a task was created with is passed on as it is, and none is added',
  async (profile) => {
    const emulator = await started({ profile });
    const target = await serve();
    await create(
      emulator,
      { id: 'a', url: target.url, headers: { traceparent: own, tracestate: 'v=1' } },
      own,
    );
    await emulator.idle();
    await create(emulator, { id: 'b', url: target.url }, own);
    await emulator.idle();
    expect(traceparents(target.requests)).toEqual([own, undefined]);
    expect(target.requests[0]?.headers['tracestate']).toBe('v=1');
  },
);

test('with traceContext each attempt has a trace of its own, the same with the same seed; a task’s own stays', async () => {
  const seen: (string | undefined)[][] = [];
  const target = await serve((response) => response.writeHead(500).end());
  for (let time = 0; time < 2; time++) {
    const emulator = await started({ traceContext: true });
    await create(emulator, { id: 'a', url: target.url });
    await emulator.idle();
    await create(emulator, { id: 'b', url: target.url, headers: { Traceparent: own } });
    await emulator.idle();
    seen.push(traceparents(target.requests.splice(0)));
    expect(emulator.deliveries({ taskName: 'b' }).map(({ headers }) => headers['Traceparent'])).toEqual([
      own,
      own,
    ]);
  }
  const [[first, second, ...rest] = [], again] = seen;
  expect(first).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/);
  expect(second).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-01$/);
  expect(second).not.toBe(first);
  expect(rest).toEqual([undefined, undefined]);
  expect(again).toEqual(seen[0]);
});

test('a task that a delivery creates within its trace is known to come from it, over REST and gRPC, whatever else is out', async () => {
  const emulator = await started({ traceContext: true });
  const client = new CloudTasksClient({
    apiEndpoint: '127.0.0.1',
    port: emulator.port,
    sslCreds: credentials.createInsecure(),
  });
  onTestFinished(() => client.close());
  const bothOut = Promise.withResolvers<void>();
  const arrived: string[] = [];
  const target = await serve((response, { path, headers }) => {
    if (path === '/end') return void response.end();
    arrived.push(path);
    if (arrived.length === 2) bothOut.resolve();
    const traceparent = headers['traceparent'] ?? '';
    const url = `${target.url}/end`;
    const creating = async (): Promise<void> => {
      await bothOut.promise;
      if (path === '/rest') return await create(emulator, { id: 'by-rest', url }, traceparent);
      const task = { name: `${queue}/tasks/by-grpc`, httpRequest: { url } };
      await client.createTask({ parent: queue, task }, { otherArgs: { headers: { traceparent } } });
    };
    void creating().then(() => response.end());
  });
  await create(emulator, { id: 'rest', url: `${target.url}/rest` });
  await create(emulator, { id: 'grpc', url: `${target.url}/grpc` });
  await emulator.idle();
  for (const id of ['rest', 'grpc']) {
    const name = encodeURIComponent(`${queue}/tasks/by-${id}`);
    const view = await (await fetch(`${emulator.url}/console/views/task?name=${name}`)).json();
    expect(view).toMatchObject({ createdDuring: { taskName: `${queue}/tasks/${id}`, attempt: 1 } });
  }
});

test('strict and traceContext together are refused', async () => {
  await expect(startEmulator({ profile: 'strict', traceContext: true })).rejects.toThrow(
    'leave one of them out',
  );
});
