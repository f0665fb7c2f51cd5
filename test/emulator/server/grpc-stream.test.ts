import type { ServerDuplexStream } from '@grpc/grpc-js';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import protobuf from 'protobufjs';
import { expect, test } from 'vitest';
import { streamHandler } from '../../../emulator/server/grpc-stream.ts';

const rpc = protobuf
  .parse('syntax = "proto3"; message M { int32 n = 1; } service S { rpc R(stream M) returns (stream M); }')
  .root.resolveAll()
  .lookupService('S').methods['R']!;

/** What grpc-js hands over, as far as the handler uses it. */
const asCall = (call: Duplex) => call as unknown as ServerDuplexStream<Buffer, Buffer>;
const fail = (error: unknown): void => expect.unreachable(String(error));

test('answers are made only as fast as they are taken', async () => {
  let made = 0;
  let taken = 0;
  let take: () => void = () => {};
  const call = new Duplex({
    objectMode: true,
    highWaterMark: 1,
    read() {},
    write(_chunk, _encoding, done) {
      take = () => {
        taken++;
        done();
      };
      call.emit('offered');
    },
  });
  const offered = once(call, 'offered');
  const closing = new AbortController();
  const answers = async function* (): AsyncGenerator<{ n: number }> {
    while (!closing.signal.aborted) yield { n: made++ };
  };
  const handle = streamHandler(rpc, answers, { reportDefect: fail, closing: closing.signal });
  handle(asCall(call));
  await offered;
  for (let nth = 0; nth < 100; nth++) {
    const next = once(call, 'offered');
    take();
    await next;
    // One is offered, and none is made before it is taken.
    expect(made - taken).toBe(1);
  }
  call.destroy();
});

test('a client that goes away ends the making of answers', async () => {
  const call = new Duplex({ objectMode: true, read() {}, write: (_chunk, _encoding, done) => done() });
  const waiting = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const answers = async function* (
    _: AsyncIterable<unknown>,
    signal: AbortSignal,
  ): AsyncGenerator<{ n: number }> {
    yield { n: 1 };
    waiting.resolve();
    await once(signal, 'abort');
    ended.resolve();
  };
  streamHandler(rpc, answers, { reportDefect: fail, closing: new AbortController().signal })(asCall(call));
  await waiting.promise;
  call.destroy();
  await ended.promise;
});
