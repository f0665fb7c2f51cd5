import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { HttpDispatcher } from '../../../emulator/dispatch/http-dispatcher.ts';
import { httpTarget, sampleRequest } from '../samples.ts';
import { freePort, serve } from '../web-server.ts';
import { deliver, openDispatcher } from './dispatcher.ts';

/** A server that leaves each request to the test, with a promise of the first. */
async function serveByHand(): Promise<{ url: string; first: Promise<ServerResponse> }> {
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  const { url } = await serve((response) => resolve(response));
  return { url, first: promise };
}

describe('a response', () => {
  test.each([200, 204, 302, 404, 429, 500, 503])('of %d ends the attempt with it', async (httpStatus) => {
    const { url } = await serve((response) => response.writeHead(httpStatus).end());
    expect(await deliver({ url })).toEqual({ kind: 'response', httpStatus });
  });

  test('that redirects is a response: nobody goes where it points', async () => {
    const { url, requests } = await serve((response) => {
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(await deliver({ url })).toEqual({ kind: 'response', httpStatus: 302 });
    expect(requests.map(({ path }) => path)).toEqual(['/']);
  });

  test('that redirects is followed when the emulator was told to, within the one attempt', async () => {
    const { url, requests } = await serve((response, { path }) => {
      if (path === '/') response.writeHead(307, { location: '/elsewhere' }).end();
      else response.writeHead(204).end();
    });
    const result = await deliver({ url, body: Buffer.from('page') }, { followRedirects: true });
    expect(result).toEqual({ kind: 'response', httpStatus: 204 });
    expect(requests.map(({ path, body }) => [path, body])).toEqual([
      ['/', 'page'],
      ['/elsewhere', 'page'],
    ]);
  });

  test('that redirects on and on is a response after ten times', async () => {
    const { url, requests } = await serve((response) => {
      response.writeHead(302, { location: `/${requests.length}` }).end();
    });
    expect(await deliver({ url }, { followRedirects: true })).toEqual({ kind: 'response', httpStatus: 302 });
    expect(requests).toHaveLength(11);
  });

  test('that redirects in a circle ends the attempt with the reason', async () => {
    const { url } = await serve((response) => response.writeHead(302, { location: '/' }).end());
    const result = await deliver({ url }, { followRedirects: true });
    expect(result).toEqual({ kind: 'unreachable', reason: expect.stringContaining('Redirect loop') });
  });

  test('that says when to come again is reported with the wait', async () => {
    const { url } = await serve((response) => response.writeHead(503, { 'retry-after': '7' }).end());
    expect(await deliver({ url })).toEqual({ kind: 'response', httpStatus: 503, retryAfterMs: 7000 });
  });

  test('whose body has no end ends the attempt, and the connection with it', async () => {
    const closed = Promise.withResolvers<void>();
    const { url } = await serve((response) => {
      response.on('close', closed.resolve);
      const chunk = Buffer.alloc(64 * 1024);
      const writeOn = (): void => {
        while (!response.destroyed && response.write(chunk));
        response.once('drain', writeOn);
      };
      writeOn();
    });
    expect(await deliver({ url })).toEqual({ kind: 'response', httpStatus: 200 });
    await closed.promise;
  });
});

describe('an attempt without a full response', () => {
  const broken = { kind: 'unreachable', reason: expect.stringMatching(/./) };

  test.each(['127.0.0.1', 'localhost'])('to %s, where nobody listens, says so', async (host) => {
    const result = await deliver({ url: `http://${host}:${await freePort()}` });
    expect(result).toEqual({ kind: 'unreachable', reason: expect.stringContaining('ECONNREFUSED') });
  });

  test.each<[string, (response: ServerResponse) => void]>([
    ['before it began', (response) => response.destroy()],
    [
      'in its headers',
      ({ socket }) => {
        socket?.end('HTTP/1.1 200 OK\r\nContent-');
      },
    ],
    [
      'in its body',
      (response) => {
        response.writeHead(200, { 'content-length': 10 });
        response.write('half', () => response.destroy());
      },
    ],
  ])('is unreachable when the response breaks off %s', async (_, breakOff) => {
    const { url } = await serve(breakOff);
    expect(await deliver({ url })).toEqual(broken);
  });

  test.each<[string, string, string]>([
    ['is of a status that there is none of', 'HTTP/1.1 000 Odd\r\n\r\n', 'the response is no valid HTTP'],
    [
      'speaks no TLS, where that was asked for',
      'HTTP/1.1 200 OK\r\n\r\n',
      'the target speaks no TLS: its address is to begin with http://',
    ],
  ])('has a reason that can be read when the answer %s', async (what, answer, reason) => {
    const server = createServer((socket) => socket.once('data', () => socket.end(answer)));
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const protocol = what.includes('TLS') ? 'https' : 'http';
    const url = `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    expect(await deliver({ url })).toEqual({ kind: 'unreachable', reason });
  });

  test('is unreachable when it is not HTTP that answers', async () => {
    const { url } = await serve(({ socket }) => void socket?.end('SSH-2.0-OpenSSH\r\n'));
    expect(await deliver({ url })).toEqual(broken);
  });

  test.each(['http://%zz/', 'http://x:99999/', 'http://'])(
    'is unreachable at %s, which the service accepts and nobody can call',
    async (url) => {
      expect(await deliver({ url })).toEqual(broken);
    },
  );
});

describe('the deadline of a task', () => {
  afterEach(() => void vi.useRealTimers());

  test.each<[string, (response: ServerResponse) => Promise<unknown>]>([
    ['before the response began', async () => {}],
    [
      'in the middle of the response',
      async (response) => {
        await new Promise((resolve) => {
          response.write('half', resolve);
        });
      },
    ],
  ])('makes a timeout of an attempt that is out %s', async (_, begin) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { url, first } = await serveByHand();
    const request = sampleRequest({ target: { ...httpTarget, url }, dispatchDeadlineMs: 600_000 });
    const onEnd = vi.fn();
    const result = openDispatcher().dispatch(request, new AbortController().signal);
    void result.then(onEnd);
    const response = await first;
    await begin(response);
    vi.advanceTimersByTime(599_999);
    await setImmediate();
    expect(onEnd).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(await result).toEqual({ kind: 'timeout' });
  });

  test('is of no concern to a response that was in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { url, first } = await serveByHand();
    const result = deliver({ url });
    const response = await first;
    vi.advanceTimersByTime(599_999);
    response.writeHead(201).end();
    expect(await result).toEqual({ kind: 'response', httpStatus: 201 });
  });
});

describe('an attempt that is no longer wanted', () => {
  test('ends when the signal says so, and hangs up', async () => {
    const { url, first } = await serveByHand();
    const stop = new AbortController();
    const result = deliver({ url }, { signal: stop.signal });
    const response = await first;
    const hungUp = once(response, 'close');
    stop.abort();
    expect(await result).toMatchObject({ kind: 'unreachable' });
    await hungUp;
  });

  test('is not made when the signal was there before', async () => {
    const { url, requests } = await serve();
    expect(await deliver({ url }, { signal: AbortSignal.abort() })).toMatchObject({ kind: 'unreachable' });
    expect(requests).toEqual([]);
  });
});

describe('a dispatcher that closes', () => {
  test.each<[string, (dispatcher: HttpDispatcher) => Promise<void>]>([
    ['by name', (dispatcher) => dispatcher.close()],
    ['as a resource', (dispatcher) => dispatcher[Symbol.asyncDispose]()],
  ])('%s ends the attempts that are out, and may close again', async (_, close) => {
    const { url, first } = await serveByHand();
    const dispatcher = openDispatcher();
    const request = sampleRequest({ target: { ...httpTarget, url } });
    const result = dispatcher.dispatch(request, new AbortController().signal);
    await first;
    await close(dispatcher);
    expect(await result).toMatchObject({ kind: 'unreachable' });
    await close(dispatcher);
    expect(await dispatcher.dispatch(request, new AbortController().signal)).toMatchObject({
      kind: 'unreachable',
    });
  });
});
