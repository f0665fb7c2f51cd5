import { CloudTasksClient } from '@google-cloud/tasks';
import { credentials } from '@grpc/grpc-js';
import { PassThroughClient } from 'google-auth-library';
import { CloudTasksClient as CloudTasksClient6 } from 'tasks-v6';
import { beforeAll, describe, expect, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { operations, queue, runOperations, type Outcome } from './operations.ts';

type Options = NonNullable<ConstructorParameters<typeof CloudTasksClient>[0]>;

const overGrpc = ({ port }: Emulator): Options => ({
  apiEndpoint: '127.0.0.1',
  port,
  sslCreds: credentials.createInsecure(),
});

const overRest = ({ port }: Emulator): Options => ({
  apiEndpoint: '127.0.0.1',
  port,
  fallback: 'rest',
  protocol: 'http',
  authClient: new PassThroughClient(),
});

/** The unmodified client in both of its majors, and the two ways in which each speaks. What the two are asked for is the same. */
const clients: readonly (readonly [name: string, open: (emulator: Emulator) => CloudTasksClient])[] = [
  ['@google-cloud/tasks 7, gRPC', (emulator) => new CloudTasksClient(overGrpc(emulator))],
  ['@google-cloud/tasks 7, REST', (emulator) => new CloudTasksClient(overRest(emulator))],
  ['@google-cloud/tasks 6, gRPC', (emulator) => version6(overGrpc(emulator))],
  ['@google-cloud/tasks 6, REST', (emulator) => version6(overRest(emulator))],
];

function version6(options: Options): CloudTasksClient {
  return new CloudTasksClient6(options as never) as unknown as CloudTasksClient;
}

async function outcomesOf(open: (emulator: Emulator) => CloudTasksClient): Promise<Record<string, Outcome>> {
  await using emulator = await startEmulator();
  const client = open(emulator);
  try {
    return await runOperations(client);
  } finally {
    await client.close();
  }
}

/** What the client of this project, version 7 over gRPC, gives. */
let expected: Record<string, Outcome>;

beforeAll(async () => {
  expected = await outcomesOf((emulator) => new CloudTasksClient(overGrpc(emulator)));
});

test('what the operations give is what they say', () => {
  expect(expected).toMatchObject({
    'create a queue': {
      result: {
        name: queue,
        state: 'RUNNING',
        rateLimits: { maxDispatchesPerSecond: 2.5, maxBurstSize: 10, maxConcurrentDispatches: 3 },
        retryConfig: { maxAttempts: -1, minBackoff: { seconds: '0', nanos: 500_000_000 }, maxDoublings: 2 },
      },
    },
    'create it again': { text: 'Queue already exists' },
    'get another': { text: expect.stringMatching(/^Queue does not exist\. If you just created/) },
    'update one field': {
      result: { rateLimits: { maxDispatchesPerSecond: 2.5 }, retryConfig: { maxAttempts: 5 } },
    },
    pause: { result: { state: 'PAUSED' } },
    'get the task': { result: { view: 'BASIC', httpRequest: { headers: { 'X-Test': 'é' } } } },
    'get the whole task': { result: { httpRequest: { body: { data: [...Buffer.from('Grüße\0')] } } } },
    'list in pages': { result: ['one', 'three', 'two'].map((id) => `${queue}/tasks/${id}`) },
    'run a task': { result: 1 },
    purge: { result: { purgeTime: 'a time' } },
    'nothing is left': { result: [] },
  });
});

describe.each(clients)('%s', (_, open) => {
  let outcomes: Record<string, Outcome>;

  beforeAll(async () => {
    outcomes = await outcomesOf(open);
  });

  test.each(operations.map(([name, , code]) => [name, code] as const))('%s', (name, code) => {
    const outcome = outcomes[name] ?? { result: undefined };
    expect('code' in outcome ? outcome.code : undefined).toBe(code);
    expect(outcome).toEqual(expected[name]);
  });
});
