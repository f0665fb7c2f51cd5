import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { CloudTasksClient } from '@google-cloud/tasks';
import { credentials, status as codes } from '@grpc/grpc-js';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const QUEUE = 'projects/demo-pageturner/locations/us-central1/queues/mail';
const MAX_REQUEST_BYTES = 10 * 1024 * 1024;

let emulator: Emulator;
let defects: unknown[];

beforeEach(async () => {
  defects = [];
  emulator = await startEmulator({
    queues: [{ name: 'mail' }],
    onDefect: (error) => defects.push(error),
  });
  onTestFinished(() => emulator.close());
});

async function open(bytes: Buffer | string): Promise<Socket> {
  const socket = connect(emulator.port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  if (bytes.length > 0) socket.write(bytes);
  return socket;
}

/** Both protocols answer a client that does nothing wrong. */
async function expectOthersServed(): Promise<void> {
  expect((await fetch(`${emulator.url}/v2/${QUEUE}`)).status).toBe(200);
  const client = new CloudTasksClient({
    apiEndpoint: '127.0.0.1',
    port: emulator.port,
    sslCreds: credentials.createInsecure(),
  });
  const [queue] = await client.getQueue({ name: QUEUE });
  await client.close();
  expect(queue.name).toBe(QUEUE);
  expect(defects).toEqual([]);
}

describe('others are served while a connection', () => {
  test.each<[string, Buffer | string]>([
    ['says nothing', ''],
    ['has said half of the HTTP/2 preface', PREFACE.slice(0, 9)],
    ['has said the HTTP/2 preface and nothing more', PREFACE],
    ['is slow with its headers', 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-'],
    ['is slow with its body', 'POST /v2/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{'],
  ])('%s', async (_, bytes) => {
    await Promise.all(Array.from({ length: 20 }, () => open(bytes)));
    await expectOthersServed();
  });

  test.each<[string, Buffer | string]>([
    ['garbage', Buffer.from([0, 255, 1, 254, 22, 3, 1, 0, 10, 13, 10, 13, 10])],
    ['a TLS handshake', Buffer.from('16030100c8010000c40303', 'hex')],
    ['a broken request line', 'GET\r\n\r\n'],
    ['a length that is no number', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n'],
    [
      'two ways to say how long it is',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['headers without end', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(200_000)}\r\n\r\n`],
    ['the HTTP/2 preface and garbage', PREFACE + '\0\u0001\u00ff'.repeat(100)],
    [
      'an HTTP/2 frame of 16 MiB',
      Buffer.concat([Buffer.from(PREFACE), Buffer.from('ffffff000000000001', 'hex')]),
    ],
  ])('says %s, which ends it', async (_, bytes) => {
    const socket = await open(bytes);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.resume();
    await closed;
    await expectOthersServed();
  });
});

/** Calls GetQueue with the bytes of a request's body, as they are. */
async function call(body: Buffer, headers: Record<string, string> = {}): Promise<number> {
  const session = connectHttp2(emulator.url);
  onTestFinished(() => session.destroy());
  session.on('error', () => {});
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: '/google.cloud.tasks.v2.CloudTasks/GetQueue',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  stream.on('response', (answer) => {
    const httpStatus = Number(answer[constants.HTTP2_HEADER_STATUS]);
    const grpcStatus = answer['grpc-status'];
    if (httpStatus !== 200) resolve(httpStatus);
    else if (typeof grpcStatus === 'string') resolve(Number(grpcStatus));
  });
  stream.on('trailers', (trailers) => resolve(Number(trailers['grpc-status'])));
  stream.on('error', (error) => {
    // The code that gRPC's clients read as RESOURCE_EXHAUSTED.
    if (stream.rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM) resolve(codes.RESOURCE_EXHAUSTED);
    else reject(error);
  });
  stream.resume();
  stream.end(body);
  return await promise;
}

/** A message behind its five bytes of prefix: whether it is compressed, and how long it says that it is. */
function frame(message: Buffer | string, { compressed = 0, length = message.length } = {}): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(compressed);
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, Buffer.from(message)]);
}

const NAMED = Buffer.concat([Buffer.from([10, QUEUE.length]), Buffer.from(QUEUE)]);

describe('a call over gRPC', () => {
  test('is answered when it is in order', async () => {
    expect(await call(frame(NAMED))).toBe(codes.OK);
  });

  test.each<[string, Buffer, number[], Record<string, string>?]>([
    ['has a field that goes on beyond its end', frame(Buffer.from([10, 200])), [codes.INVALID_ARGUMENT]],
    ['has text that is no UTF-8', frame(Buffer.from([10, 2, 0xff, 0xfe])), [codes.INVALID_ARGUMENT]],
    [
      'says that it is larger than allowed',
      frame('', { length: MAX_REQUEST_BYTES + 1 }),
      [codes.RESOURCE_EXHAUSTED],
    ],
    ['is larger than allowed', frame(Buffer.alloc(MAX_REQUEST_BYTES + 1)), [codes.RESOURCE_EXHAUSTED]],
    ['is of another content type', frame(NAMED), [415], { 'content-type': 'application/json' }],
    [
      'is packed in a way that nobody knows',
      frame(NAMED, { compressed: 1 }),
      [codes.UNIMPLEMENTED],
      { 'grpc-encoding': 'none-such' },
    ],
  ])('that %s is told so', async (_, body, expected, headers) => {
    expect(expected).toContain(await call(body, headers));
    await expectOthersServed();
  });
});

test('a client that breaks off in the middle of its body is no defect of the emulator', async () => {
  const socket = await open('POST /v2/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{');
  await expectOthersServed();
  socket.destroy();
  await emulator.close();
  expect(defects).toEqual([]);
});

test('a body over the limit is refused before it is all there', async () => {
  const response = await fetch(`${emulator.url}/v2/${QUEUE}/tasks`, {
    method: 'POST',
    body: Buffer.alloc(MAX_REQUEST_BYTES + 1, '{'),
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: {
      status: 'INVALID_ARGUMENT',
      message: `Request payload size exceeds the limit: ${MAX_REQUEST_BYTES} bytes.`,
    },
  });
  await expectOthersServed();
});
