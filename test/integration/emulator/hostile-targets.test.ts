import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Task } from '../../../emulator/core/model.ts';
import { Engine } from '../../../emulator/engine/engine.ts';
import { SeededRandom } from '../../../emulator/engine/random.ts';
import { SystemClock } from '../../../emulator/engine/system-clock.ts';
import { MemoryStore } from '../../../emulator/store/memory.ts';
import { openDispatcher } from '../../emulator/dispatch/dispatcher.ts';
import { httpTarget, sampleQueue, sampleTask } from '../../emulator/samples.ts';

const HEAD = 'HTTP/1.1 200 OK\r\n';

/** Serves bare sockets: what the target does when the request has begun to come in. */
async function serveSockets(behave: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('data', () => behave(socket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Writes the same again as soon as the target has taken it, for as long as the connection stands. */
function writeOn(socket: Socket, text: string): void {
  if (socket.destroyed) return;
  socket.write(text, () => setImmediate(() => writeOn(socket, text)));
}

/** How the one attempt at this target is recorded. The deadline may be far shorter than the API allows, hence the store. */
async function attempt(url: string, dispatchDeadlineMs: number): Promise<Task> {
  const store = new MemoryStore();
  const queue = sampleQueue();
  store.putQueue({ ...queue, retryConfig: { ...queue.retryConfig, minBackoffMs: 3_600_000 } });
  const clock = new SystemClock();
  const now = clock.now();
  const times = { dispatchDeadlineMs, createAt: now, scheduleAt: now };
  store.insertTask(sampleTask({ target: { ...httpTarget, url }, ...times }));
  const { dispatch } = openDispatcher({ followRedirects: true });
  const engine = new Engine({ clock, random: new SeededRandom(1), store, dispatch, sizeOf: () => 0 });
  onTestFinished(() => engine.close());
  return await new Promise((resolve) => {
    engine.observe((event) => {
      if (event.kind === 'attemptEnded') resolve(event.task);
    });
  });
}

const TIMED_OUT = { code: 4, message: 'DEADLINE_EXCEEDED(4): HTTP status code 504' };
const NO_ANSWER = { code: 2, message: 'UNKNOWN(2): HTTP status code 0' };
const OK = { code: 0, message: '' };

test.each<[string, (socket: Socket) => void, typeof OK]>([
  ['says nothing', () => {}, TIMED_OUT],
  ['says half of its headers', (socket) => socket.write(`${HEAD}Content-`), TIMED_OUT],
  ['says half of its body', (socket) => socket.write(`${HEAD}Content-Length: 9\r\n\r\nhalf`), TIMED_OUT],
  [
    'says that it goes on, again and again',
    (socket) => writeOn(socket, 'HTTP/1.1 102 Processing\r\n\r\n'),
    TIMED_OUT,
  ],
  [
    'answers a byte at a time',
    (socket) => {
      socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
      const timer = setInterval(() => socket.write('1\r\nx\r\n'), 20);
      socket.once('close', () => clearInterval(timer));
    },
    TIMED_OUT,
  ],
  [
    'answers without end',
    (socket) => {
      socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
      writeOn(socket, `ffff\r\n${'x'.repeat(0xffff)}\r\n`);
    },
    OK,
  ],
  [
    'promises a body of a terabyte',
    (socket) => {
      socket.write(`${HEAD}Content-Length: ${2 ** 40}\r\n\r\n`);
      writeOn(socket, 'x'.repeat(65_536));
    },
    OK,
  ],
  [
    'announces its answer',
    (socket) =>
      socket.write(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${HEAD}Content-Length: 0\r\n\r\n`),
    OK,
  ],
  // What laws.md states as a limit: should undici learn to take it, this says so.
  [
    'says 100 Continue, which nobody asked for',
    (socket) => socket.write(`HTTP/1.1 100 Continue\r\n\r\n${HEAD}Content-Length: 0\r\n\r\n`),
    NO_ANSWER,
  ],
  ['hangs up', (socket) => socket.destroy(), NO_ANSWER],
  ['resets the connection', (socket) => socket.resetAndDestroy(), NO_ANSWER],
  ['hangs up in its body', (socket) => socket.end(`${HEAD}Content-Length: 9\r\n\r\nhalf`), NO_ANSWER],
  ['does not speak HTTP', (socket) => socket.end('220 mail.example ESMTP\r\n'), NO_ANSWER],
  ['speaks HTTP/2', (socket) => socket.write(Buffer.from('000000040000000000', 'hex')), NO_ANSWER],
  [
    'sends headers without end',
    (socket) => {
      socket.write(HEAD);
      writeOn(socket, `X: ${'x'.repeat(1000)}\r\n`);
    },
    NO_ANSWER,
  ],
  [
    'has two lengths',
    (socket) => socket.write(`${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`),
    NO_ANSWER,
  ],
  [
    'changes the protocol',
    (socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n'),
    NO_ANSWER,
  ],
  [
    'redirects in a circle',
    (socket) =>
      socket.end('HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'),
    NO_ANSWER,
  ],
  [
    'redirects to no address',
    (socket) => socket.end('HTTP/1.1 302 Found\r\nLocation: http://%zz\r\nContent-Length: 0\r\n\r\n'),
    NO_ANSWER,
  ],
])('an attempt at a target that %s ends, and is recorded', async (_, behave, responseStatus) => {
  // What ends before its deadline has all the time that a busy machine may take for it.
  const task = await attempt(await serveSockets(behave), responseStatus === TIMED_OUT ? 300 : 30_000);
  expect(task).toMatchObject({
    dispatchCount: 1,
    responseCount: responseStatus === OK ? 1 : 0,
    lastAttempt: { dispatchAt: expect.any(Number), responseAt: expect.any(Number), responseStatus },
  });
});
