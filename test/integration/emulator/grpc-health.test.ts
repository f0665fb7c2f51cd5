import { Client, credentials } from '@grpc/grpc-js';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { once } from 'node:events';
import protobuf from 'protobufjs';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';

const NOT_FOUND = 5;
const UNAVAILABLE = 14;
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

async function start(): Promise<{ emulator: Emulator; client: Client }> {
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  const client = new Client(`127.0.0.1:${emulator.port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return { emulator, client };
}

// A request holds the service's name as field 1, an answer the status as field 1.
function requestFor(service: string): Buffer {
  const name = Buffer.from(service);
  return name.length === 0 ? name : Buffer.from([0x0a, name.length, ...name]);
}

function statusIn(answer: Buffer): number | undefined {
  expect(answer[0]).toBe(0x08);
  return answer[1];
}

const bytes = (value: Buffer): Buffer => value;

test('a health check over gRPC says that the emulator and each of its services serve, and knows no others', async () => {
  const { client } = await start();
  const check = (service: string): Promise<number | undefined> =>
    new Promise((resolve) => {
      client.makeUnaryRequest(
        '/grpc.health.v1.Health/Check',
        bytes,
        bytes,
        requestFor(service),
        (error, answer) => resolve(error?.code ?? statusIn(answer!)),
      );
    });
  expect(await check('')).toBe(SERVING);
  expect(await check('google.cloud.tasks.v2.CloudTasks')).toBe(SERVING);
  expect(await check('google.cloud.tasks.v2beta2.CloudTasks')).toBe(SERVING);
  expect(await check('no.such.Service')).toBe(NOT_FOUND);
});

test('the state of all services can be had at once', async () => {
  const { client } = await start();
  const answer = await new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest('/grpc.health.v1.Health/List', bytes, bytes, Buffer.alloc(0), (error, value) =>
      value === undefined ? reject(error ?? new Error('no answer')) : resolve(value),
    );
  });
  const { statuses } = protobuf
    .parse('syntax = "proto3"; message R { map<string, S> statuses = 1; } message S { int32 status = 1; }')
    .root.lookupType('R')
    .decode(answer)
    .toJSON();
  expect(statuses).toMatchObject({
    '': { status: SERVING },
    'google.cloud.tasks.v2.CloudTasks': { status: SERVING },
    'google.longrunning.Operations': { status: SERVING },
  });
});

/** A watch, its first status, and how it ends. */
async function watch(
  client: Client,
  service: string,
): Promise<{
  stream: ClientReadableStream<Buffer>;
  first: number | undefined;
  rest: (number | undefined)[];
  end: Promise<number | undefined>;
}> {
  const path = '/grpc.health.v1.Health/Watch';
  const stream = client.makeServerStreamRequest(path, bytes, bytes, requestFor(service));
  const end = new Promise<number | undefined>((resolve) => {
    stream.on('error', (error: ServiceError) => resolve(error.code));
    stream.on('end', () => resolve(undefined));
  });
  const [answer] = (await once(stream, 'data')) as [Buffer];
  const rest: (number | undefined)[] = [];
  stream.on('data', (more: Buffer) => rest.push(statusIn(more)));
  return { stream, first: statusIn(answer), rest, end };
}

test('a watch tells the state at once, and that it has ended when the emulator closes', async () => {
  const { emulator, client } = await start();
  const whole = await watch(client, '');
  const service = await watch(client, 'google.cloud.tasks.v2beta3.CloudTasks');
  const unknown = await watch(client, 'no.such.Service');
  expect([whole.first, service.first, unknown.first]).toEqual([SERVING, SERVING, SERVICE_UNKNOWN]);
  await emulator.close();
  expect(await Promise.all([whole.end, service.end, unknown.end])).toEqual([
    UNAVAILABLE,
    UNAVAILABLE,
    UNAVAILABLE,
  ]);
  expect([whole.rest, service.rest, unknown.rest]).toEqual([[NOT_SERVING], [NOT_SERVING], []]);
});

test('a client that stops watching leaves the others alone', async () => {
  const { emulator, client } = await start();
  const left = await watch(client, '');
  const kept = await watch(client, '');
  left.stream.cancel();
  await left.end;
  expect((await watch(client, '')).first).toBe(SERVING);
  await emulator.close();
  expect(await kept.end).toBe(UNAVAILABLE);
});

test('what is no request ends a watch with INVALID_ARGUMENT', async () => {
  const { client } = await start();
  const stream = client.makeServerStreamRequest(
    '/grpc.health.v1.Health/Watch',
    bytes,
    bytes,
    Buffer.from([0xff]),
  );
  stream.resume();
  const [error] = (await once(stream, 'error')) as [ServiceError];
  expect(error).toMatchObject({ code: 3, details: expect.stringContaining('HealthCheckRequest') });
});
