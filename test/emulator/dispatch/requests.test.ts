import { describe, expect, test } from 'vitest';
import type { AppEngineRouting, HttpMethod } from '../../../emulator/core/model.ts';
import { appEngineTarget, httpTarget, sampleRequest } from '../samples.ts';
import { serve } from '../web-server.ts';
import { deliver, openDispatcher } from './dispatcher.ts';

describe('a delivery', () => {
  test('has the headers of the task and of the attempt in their casing, and those of the transport', async () => {
    const { url, requests } = await serve();
    const request = sampleRequest({
      target: {
        ...httpTarget,
        url: `${url}/walk?page=1`,
        headers: { 'x-PAGE': 'caf\u00e9', 'User-Agent': 'Google-Cloud-Tasks' },
        body: new TextEncoder().encode('p\u00e4ge'),
      },
      dispatchCount: 1,
      previousHttpStatus: 503,
      scheduleAt: 1_618_052_481_246.814,
    });
    const result = await openDispatcher().dispatch(request, new AbortController().signal);
    expect(result).toEqual({ kind: 'response', httpStatus: 200 });
    expect(requests).toEqual([
      {
        method: 'POST',
        path: '/walk?page=1',
        body: 'p\u00e4ge',
        headers: {
          host: url.replace('http://', ''),
          connection: 'keep-alive',
          'content-length': '5',
          'x-PAGE': 'caf\u00e9',
          'User-Agent': 'Google-Cloud-Tasks',
          'X-CloudTasks-QueueName': 'my-queue',
          'X-CloudTasks-TaskName': 't1',
          'X-CloudTasks-TaskRetryCount': '1',
          'X-CloudTasks-TaskExecutionCount': '0',
          'X-CloudTasks-TaskETA': '1618052481.246814',
          'X-CloudTasks-TaskPreviousResponse': '503',
          'X-CloudTasks-TaskRetryReason': '',
        },
      },
    ]);
  });

  test.each<HttpMethod>(['POST', 'GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])(
    'may be a %s without a body',
    async (method) => {
      const { url, requests } = await serve();
      expect(await deliver({ url, method })).toEqual({ kind: 'response', httpStatus: 200 });
      expect(requests).toEqual([expect.objectContaining({ method, body: '' })]);
    },
  );

  test.each(['Connection', 'Keep-Alive', 'Transfer-Encoding', 'upgrade', 'EXPECT'])(
    'leaves out a %s of the caller, which is about a connection that is not its own',
    async (name) => {
      const { url, requests } = await serve();
      expect(await deliver({ url, headers: { [name]: 'x' } })).toMatchObject({ httpStatus: 200 });
      expect(Object.values(requests[0]?.headers ?? {})).not.toContain('x');
    },
  );

  test('passes on a header whose name an object would take for its prototype', async () => {
    const { url, requests } = await serve();
    const headers: Record<string, string> = JSON.parse('{"__proto__":"x"}');
    expect(await deliver({ url, headers })).toMatchObject({ httpStatus: 200 });
    expect(Object.entries(requests[0]?.headers ?? {})).toContainEqual(['__proto__', 'x']);
  });
});

describe('an App Engine delivery', () => {
  test.each(['', '/'])('goes to the app, whose address may end in "%s"', async (ending) => {
    const { url, requests } = await serve();
    const target = { ...appEngineTarget, headers: { 'Content-Length': '1' }, body: Uint8Array.of(65) };
    expect(await deliver(target, { appEngineUrl: url + ending })).toMatchObject({ httpStatus: 200 });
    expect(requests).toEqual([expect.objectContaining({ path: '/walk?page=1', body: 'A' })]);
    expect(requests[0]?.headers).toMatchObject({
      'X-AppEngine-QueueName': 'my-queue',
      'content-length': '1',
    });
  });

  test.each<[string, AppEngineRouting | undefined, string]>([
    ['its service', { service: 'mail' }, '/mail/walk'],
    ['its version', { service: 'mail', version: 'v2' }, '/mail-v2/walk'],
    [
      'the version, if its instance has no address',
      { service: 'mail', version: 'v2', instance: '1' },
      '/mail-v2/walk',
    ],
    ['the default service, if its own has no address', { service: 'other' }, '/default/walk'],
    ['the default service, if it names none', undefined, '/default/walk'],
  ])('goes to %s', async (_, routing, path) => {
    const { url, requests } = await serve();
    const appEngineUrl = { default: `${url}/default`, mail: `${url}/mail`, 'v2.mail': `${url}/mail-v2` };
    const target = { ...appEngineTarget, relativeUri: '/walk', ...(routing && { routing }) };
    await deliver(target, { appEngineUrl });
    expect(requests.map((request) => request.path)).toEqual([path]);
  });

  test('goes where its queue routes all of them, whatever it says itself', async () => {
    const { url, requests } = await serve();
    const appEngineUrl = { mail: `${url}/mail`, other: `${url}/other` };
    const target = { ...appEngineTarget, relativeUri: '/', routing: { service: 'other' } };
    const request = { ...sampleRequest({ target }), routing: { service: 'mail' } };
    await openDispatcher({ appEngineUrl }).dispatch(request, new AbortController().signal);
    expect(requests.map(({ path }) => path)).toEqual(['/mail/']);
  });

  test('is not sent on by a redirect', async () => {
    const { url, requests } = await serve((response) => response.writeHead(302, { location: '/x' }).end());
    const result = await deliver(appEngineTarget, { appEngineUrl: url, followRedirects: true });
    expect([result, requests.length]).toEqual([{ kind: 'response', httpStatus: 302 }, 1]);
  });

  test('fails with a mend when its service has no address', async () => {
    expect(await deliver(appEngineTarget, { appEngineUrl: { mail: 'http://127.0.0.1:1' } })).toEqual({
      kind: 'unreachable',
      reason: expect.stringContaining('give appEngineUrl an entry "default"'),
    });
  });

  test('fails with a mend when nobody said where the app is', async () => {
    expect(await deliver(appEngineTarget)).toEqual({
      kind: 'unreachable',
      reason:
        'App Engine tasks have nowhere to go: start the emulator with appEngineUrl, the address of the app.',
    });
  });
});
