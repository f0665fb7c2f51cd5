import { describe, expect, test } from 'vitest';
import type { HttpMethod } from '../../../emulator/core/model.ts';
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

  test('fails with a mend when nobody said where the app is', async () => {
    expect(await deliver(appEngineTarget)).toEqual({
      kind: 'unreachable',
      reason:
        'App Engine tasks have nowhere to go: start the emulator with appEngineUrl, the address of the app.',
    });
  });
});
