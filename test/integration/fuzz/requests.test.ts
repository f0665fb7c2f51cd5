import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Client, credentials, status as codes, type ServiceError } from '@grpc/grpc-js';
import fc from 'fast-check';
import type protobuf from 'protobufjs';
import { Agent } from 'undici';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import {
  anyRpc,
  bytesOf,
  jsonOf,
  QUEUE,
  requestType,
  restCallOf,
  rpcs,
  wrongFieldOf,
  type RpcToTry,
} from './protos.ts';

/** Set PAGETURNER_FUZZ_SEED to what a failed run printed, to see it again. */
const seed = Number(process.env['PAGETURNER_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const REQUESTS = 5000;
/** Requests that are out at the same time. */
const BATCH = 50;
const MAX_HEAP_GROWTH = 8 * 1024 * 1024;

/** What a caller may be told. INTERNAL and UNKNOWN are not among it: they are defects. */
const PROPER_CODES: ReadonlySet<number> = new Set([
  codes.OK,
  codes.INVALID_ARGUMENT,
  codes.NOT_FOUND,
  codes.ALREADY_EXISTS,
  codes.PERMISSION_DENIED,
  codes.FAILED_PRECONDITION,
  codes.ABORTED,
  codes.UNIMPLEMENTED,
]);
const PROPER_STATUSES: ReadonlySet<number> = new Set([200, 400, 403, 404, 409, 501]);

let emulator: Emulator;
let defects: unknown[];

beforeEach(async () => {
  console.log(`PAGETURNER_FUZZ_SEED=${seed}`);
  defects = [];
  emulator = await startEmulator({ onDefect: (error) => defects.push(error) });
  onTestFinished(() => emulator.close());
  await fetch(`${emulator.url}/v2/projects/p/locations/l/queues`, {
    method: 'POST',
    body: JSON.stringify({ name: QUEUE }),
  });
  await fetch(`${emulator.url}/v2/${QUEUE}:pause`, { method: 'POST', body: '{}' });
});

/** As many values as asked for, the same for the same seed. */
function sample<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
  return fc.sample(arbitrary, { seed, numRuns: count });
}

const collectGarbage: () => void = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

function heapSize(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

/** Sends everything in batches. After the first third, what the heap grows by must not hang on how many requests there were. */
async function sendAll<T>(inputs: readonly T[], send: (input: T) => Promise<void>): Promise<void> {
  let before = Number.NaN;
  for (let at = 0; at < inputs.length; at += BATCH) {
    if (Number.isNaN(before) && at >= inputs.length / 3) before = heapSize();
    await Promise.all(inputs.slice(at, at + BATCH).map(send));
  }
  expect(heapSize() - before).toBeLessThan(MAX_HEAP_GROWTH);
  expect(defects).toEqual([]);
  const health = await fetch(`${emulator.url}/healthz`);
  expect(health.status).toBe(200);
}

test(
  'five thousand messages over gRPC, whole and spoilt, get a proper answer each',
  { timeout: 120_000 },
  async () => {
    const client = new Client(`127.0.0.1:${emulator.port}`, credentials.createInsecure());
    onTestFinished(() => client.close());
    const pass = (bytes: Buffer): Buffer => bytes;
    const input = anyRpc.chain(({ service, rpc }) =>
      fc.record({ path: fc.constant(`/${service}/${rpc.name}`), bytes: bytesOf(requestType(rpc)) }),
    );
    const seen = new Set<number>();
    await sendAll(sample(input, REQUESTS), async ({ path, bytes }) => {
      const error = await new Promise<ServiceError | null>((resolve) => {
        const onAnswer = (answer: ServiceError | null): void => resolve(answer);
        client.makeUnaryRequest(path, pass, pass, Buffer.from(bytes), { deadline: Infinity }, onAnswer);
      });
      const code = error?.code ?? codes.OK;
      seen.add(code);
      if (!PROPER_CODES.has(code) || error?.details === '') {
        throw new Error(`${path} ${Buffer.from(bytes).toString('hex')} was told ${code} ${error?.details}`);
      }
    });
    // The requests did reach what they are about.
    expect([...seen]).toEqual(expect.arrayContaining([codes.OK, codes.INVALID_ARGUMENT, codes.NOT_FOUND]));
  },
);

interface RestRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer | null;
}

/** The RPC's call over REST with a query or body of any kind. */
function restRequestOf({ rpc }: RpcToTry): fc.Arbitrary<RestRequest> {
  const { method, path } = restCallOf(rpc);
  const query = fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    fc.webQueryParameters().map((text) => `?${text}`),
    fc.constantFrom(
      '?updateMask=rateLimits',
      '?updateMask=%00',
      '?pageSize=-1',
      '?pageToken=x',
      '?a.b.c.d=1',
      '?responseView=9',
    ),
  );
  const body = method === 'GET' || method === 'DELETE' ? fc.constant(null) : jsonOf(requestType(rpc));
  return fc.record({ method: fc.constant(method), path: query.map((text) => path + text), body });
}

test(
  'five thousand requests over REST, in JSON or not, get a proper answer each',
  { timeout: 120_000 },
  async () => {
    const agent = new Agent();
    onTestFinished(() => agent.close());
    const input = anyRpc.chain(restRequestOf);
    const seen = new Set<number>();
    await sendAll(sample(input, REQUESTS), async ({ method, path, body }) => {
      const response = await agent.request({ origin: emulator.url, path, method, body });
      const answer = (await response.body.json()) as { error?: { message?: string; status?: string } };
      seen.add(response.statusCode);
      const isTold = response.statusCode === 200 || (answer.error?.message && answer.error.status);
      if (!PROPER_STATUSES.has(response.statusCode) || !isTold) {
        throw new Error(
          `${method} ${path} ${body?.toString()} was told ${response.statusCode} ${JSON.stringify(answer)}`,
        );
      }
    });
    expect([...seen]).toEqual(expect.arrayContaining([200, 400, 404]));
  },
);

describe('a request with one wrong field', () => {
  test.each([
    ['CreateTask', `${QUEUE}/tasks`],
    ['CreateQueue', 'projects/p/locations/l/queues'],
  ])('of %s is INVALID_ARGUMENT and names that field', async (name, path) => {
    const rpc = rpcs.find((candidate) => candidate.rpc.name === name)?.rpc as protobuf.Method;
    const type =
      name === 'CreateTask'
        ? requestType(rpc)
        : (requestType(rpc).fields['queue']?.resolvedType as protobuf.Type);
    const parent = name === 'CreateTask' ? '' : 'queue';
    await sendAll(sample(wrongFieldOf(type), 300), async (wrong) => {
      const body = wrong.jsonPath.reduceRight<unknown>((value, key) => ({ [key]: value }), wrong.value);
      const response = await fetch(`${emulator.url}/v2/${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      const field = [parent, wrong.path].filter((part) => part !== '').join('.');
      expect([wrong, await response.json()]).toMatchObject([
        wrong,
        {
          error: {
            status: 'INVALID_ARGUMENT',
            details: [
              {
                fieldViolations: [
                  { field, description: expect.stringMatching(/Invalid value|Unknown name/) },
                ],
              },
            ],
          },
        },
      ]);
    });
  });
});
