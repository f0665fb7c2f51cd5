import { describe, expect, test } from 'vitest';
import { storedAppEngineHeaders, storedHttpHeaders } from '../../../emulator/core/stored-headers.ts';
import { invalidField } from '../api-error.ts';

const HTTP_FIELD = 'task.http_request.headers';
const APP_ENGINE_AGENT = 'AppEngine-Google; (+http://code.google.com/appengine)';
const body = new TextEncoder().encode('page');
const none = new Uint8Array();

const kinds = [
  ['an HTTP task', storedHttpHeaders],
  ['an App Engine task', (headers: Record<string, string>) => storedAppEngineHeaders(headers, none)],
] as const;

describe.each(kinds)('the headers of %s', (_, store) => {
  test('are kept in the casing of the caller', () => {
    expect(store({ 'x-PAGE': '1', 'Content-type': 'text/plain' })).toMatchObject({
      'x-PAGE': '1',
      'Content-type': 'text/plain',
    });
  });

  test.each(['Host', 'content-LENGTH', 'X-Google-Trace', 'x-appengine-user', 'X-CLOUDTASKS-QueueName'])(
    'do not hold a %s of the caller, without an error',
    (name) => {
      expect(store({ [name]: 'mine' })).toEqual(store({}));
    },
  );

  test.each(['X-Googles', 'Hosts', 'AppEngine-X'])('may hold %s, which the service does not set', (name) => {
    expect(store({ [name]: 'mine' })).toMatchObject({ [name]: 'mine' });
  });

  test.each(['', 'a b', 'a:b', 'ä', 'a\n'])('may not hold the name %j', (name) => {
    expect(() => store({ [name]: '1' })).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: 'Invalid resource field value in the request.',
      }),
    );
  });

  test.each(['a\nb', 'a\r\nX-Evil: 1', '\0', '\u{1F600}', '\u0100'])('may not hold the value %j', (value) => {
    expect(() => store({ 'X-Page': value })).toThrow(/^Invalid resource field value in the request.$/);
  });

  test.each(['', 'tab\there', 'caf\u00e9'])('may hold the value %j', (value) => {
    expect(store({ 'X-Page': value })).toMatchObject({ 'X-Page': value });
  });
});

describe('the headers of an HTTP task', () => {
  test('have the user agent of the service, whatever the caller says', () => {
    expect(storedHttpHeaders({ 'user-agent': 'mine' })).toEqual({ 'User-Agent': 'Google-Cloud-Tasks' });
  });

  test('get no content type', () => {
    expect(Object.keys(storedHttpHeaders({}))).toEqual(['User-Agent']);
  });

  test('say which one is wrong', () => {
    expect(() => storedHttpHeaders({ 'a b': '1' })).toThrow(
      invalidField(HTTP_FIELD, '"a b" is no valid header name'),
    );
    expect(() => storedHttpHeaders({ 'X-Page': '\n' })).toThrow(
      invalidField(HTTP_FIELD, 'header "X-Page" holds characters that a header cannot carry'),
    );
  });

  test('take less than 80 KB, those of the service included', () => {
    const room = 80 * 1024 - 1 - 'User-AgentGoogle-Cloud-TasksX'.length;
    expect(() => storedHttpHeaders({ X: 'v'.repeat(room) })).not.toThrow();
    expect(() => storedHttpHeaders({ X: 'v'.repeat(room + 1) })).toThrow(
      invalidField(HTTP_FIELD, '81920 bytes; less than 80 KB'),
    );
  });
});

describe('the headers of an App Engine task', () => {
  test('have the user agent of the service behind that of the caller', () => {
    expect(storedAppEngineHeaders({}, none)).toEqual({ 'User-Agent': APP_ENGINE_AGENT });
    expect(storedAppEngineHeaders({ 'user-agent': 'mine/1' }, none)).toEqual({
      'User-Agent': `mine/1 ${APP_ENGINE_AGENT}`,
    });
  });

  test('describe the body', () => {
    expect(storedAppEngineHeaders({}, body)).toEqual({
      'User-Agent': APP_ENGINE_AGENT,
      'Content-Type': 'application/octet-stream',
      'Content-Length': '4',
    });
  });

  test('keep the content type of the caller, however it is spelt', () => {
    expect(storedAppEngineHeaders({ 'content-TYPE': 'text/plain' }, body)).toEqual({
      'User-Agent': APP_ENGINE_AGENT,
      'content-TYPE': 'text/plain',
      'Content-Length': '4',
    });
  });
});
