import { describe, expect, test } from 'vitest';
import { bufferUrl, withHttpTarget } from '../../../emulator/core/http-target.ts';
import type { QueueHttpTarget, UriOverride } from '../../../emulator/core/model.ts';
import { appEngineTarget, httpTarget, sampleTask } from '../samples.ts';
import { invalidArgument } from '../api-error.ts';

function urlWith(url: string, uri: Partial<UriOverride>): string | undefined {
  const over: QueueHttpTarget = { headers: {}, uri: { mode: 'always', ...uri } };
  const { target } = withHttpTarget(sampleTask({ target: { ...httpTarget, url } }), over);
  return target.kind === 'http' ? target.url : undefined;
}

describe('the HTTP target of a queue', () => {
  test.each([
    ['scheme', { scheme: 'http' }, 'http://a.example:8443/old?x=1'],
    ['host', { host: 'b.example' }, 'https://b.example:8443/old?x=1'],
    ['port', { port: 99 }, 'https://a.example:99/old?x=1'],
    ['port 0, which clears it', { port: 0 }, 'https://a.example/old?x=1'],
    ['path', { path: '/new' }, 'https://a.example:8443/new?x=1'],
    ['empty path', { path: '' }, 'https://a.example:8443/?x=1'],
    ['query', { query: 'y=2' }, 'https://a.example:8443/old?y=2'],
    ['empty query', { query: '' }, 'https://a.example:8443/old'],
  ] as const)('replaces the %s of a URL', (_, uri, expected) => {
    expect(urlWith('https://a.example:8443/old?x=1', uri)).toBe(expected);
  });

  test('fills in only what is missing in the mode IF_NOT_EXISTS', () => {
    const uri = {
      mode: 'ifNotExists',
      scheme: 'http',
      host: 'b.example',
      port: 99,
      path: '/new',
      query: 'y=2',
    } as const;
    expect(urlWith('https://a.example:8443/old?x=1', uri)).toBe('https://a.example:8443/old?x=1');
    expect(urlWith('https://a.example', uri)).toBe('https://a.example:99/new?y=2');
  });

  test('leaves a URL that cannot be read as it is', () => {
    expect(urlWith('https://', { host: 'b.example' })).toBe('https://');
  });

  test('replaces method, headers and token, and drops the body where the method is GET', () => {
    const target = {
      ...httpTarget,
      headers: { 'x-a': '1', 'X-B': '2' },
      body: Buffer.from('body'),
      authorization: { kind: 'oidc', serviceAccountEmail: 'task@p', audience: 'task' } as const,
    };
    const authorization = { kind: 'oauth', serviceAccountEmail: 'queue@p' } as const;
    const over: QueueHttpTarget = { method: 'GET', headers: { 'X-A': '3' }, authorization };
    expect(withHttpTarget(sampleTask({ target }), over).target).toEqual({
      ...httpTarget,
      method: 'GET',
      headers: { 'X-B': '2', 'X-A': '3' },
      body: new Uint8Array(),
      authorization,
    });
  });

  test('has nothing to say to an App Engine task', () => {
    const over: QueueHttpTarget = { method: 'GET', headers: { 'X-A': '3' } };
    expect(withHttpTarget(sampleTask({ target: appEngineTarget }), over).target).toEqual(appEngineTarget);
  });

  test('is the URL of a buffered task, and must then name a host', () => {
    const uri = { mode: 'ifNotExists', host: 'b.example', path: '/new', query: 'y=2' } as const;
    expect(bufferUrl({ headers: {}, uri })).toBe('https://b.example/new?y=2');
    expect(() => bufferUrl(undefined)).toThrow(
      invalidArgument(
        'BufferTask needs a queue with an HTTP target: set queue.http_target.uri_override.host.',
      ),
    );
  });
});
