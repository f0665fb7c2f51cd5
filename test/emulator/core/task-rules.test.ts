import { describe, expect, test } from 'vitest';
import type { AppEngineTargetInput, HttpTargetInput, TaskInput } from '../../../emulator/core/input.ts';
import type { HttpMethod } from '../../../emulator/core/model.ts';
import { checkTaskName, newTask } from '../../../emulator/core/task-rules.ts';
import { invalidArgument, invalidField } from '../api-error.ts';
import { QUEUE } from '../samples.ts';

const NOW = Date.UTC(2026, 0, 1) + 123.456;
const HOUR_MS = 3_600_000;
const NAME = `${QUEUE}/tasks/t1`;
const http: HttpTargetInput = { kind: 'http', url: 'https://worker.example/walk' };
const appEngine: AppEngineTargetInput = { kind: 'appEngine' };
const body = new TextEncoder().encode('page');

function create(input: TaskInput): ReturnType<typeof newTask> {
  return newTask(NAME, { target: http, ...input }, NOW);
}

describe('a new task', () => {
  test('for an HTTP target has the defaults of the service', () => {
    expect(create({})).toEqual({
      name: NAME,
      target: {
        kind: 'http',
        url: http.url,
        method: 'POST',
        headers: { 'User-Agent': 'Google-Cloud-Tasks' },
        body: new Uint8Array(),
      },
      scheduleAt: NOW,
      createAt: Date.UTC(2026, 0, 1),
      dispatchDeadlineMs: 600_000,
      dispatchCount: 0,
      responseCount: 0,
      executionCount: 0,
    });
  });

  test('for App Engine has the defaults of the service', () => {
    expect(create({ target: appEngine })).toMatchObject({
      target: { kind: 'appEngine', relativeUri: '/', method: 'POST' },
      dispatchDeadlineMs: 600_000,
    });
  });

  test('keeps what the caller said', () => {
    const target: HttpTargetInput = {
      ...http,
      method: 'PUT',
      headers: { 'content-Type': 'text/plain' },
      body,
      authorization: { kind: 'oidc', serviceAccountEmail: 'a@b.c', audience: 'x' },
    };
    const task = create({ target, scheduleAt: NOW + 0.5, dispatchDeadlineMs: 15_000 });
    expect(task).toMatchObject({ scheduleAt: NOW + 0.5, dispatchDeadlineMs: 15_000 });
    expect(task.target).toMatchObject({
      ...target,
      headers: { 'content-Type': 'text/plain', 'User-Agent': 'Google-Cloud-Tasks' },
    });
  });

  test('does not change when the caller goes on to change what it gave', () => {
    const given = {
      ...http,
      headers: { 'X-Page': '1' },
      body: Uint8Array.of(1),
      authorization: { kind: 'oidc' as const, serviceAccountEmail: 'a@b.c' },
    };
    const task = create({ target: given });
    const before = structuredClone(task);
    given.headers['X-Page'] = '2';
    given.body[0] = 2;
    given.authorization.serviceAccountEmail = 'x@y.z';
    expect(task).toEqual(before);
  });

  test('that should have run already is due now', () => {
    expect(create({ scheduleAt: NOW - HOUR_MS }).scheduleAt).toBe(NOW);
  });

  test.each(['https://x.example/%zz', 'HTTP://X.EXAMPLE', `http://x/${'a'.repeat(2074)}`])(
    'may have the url %s',
    (url) => {
      expect(create({ target: { ...http, url } }).target).toMatchObject({ url });
    },
  );
});

describe('a task is refused', () => {
  test('without a payload', () => {
    expect(() => newTask(NAME, {}, NOW)).toThrow(invalidArgument('Task.payload_type is not set.'));
  });

  test.each([
    [undefined, 'HttpRequest.url is required.'],
    ['', 'HttpRequest.url is required.'],
    ['ftp://x.example', "HttpTarget.url must start with 'http://' or 'https://'."],
    ['x.example', "HttpTarget.url must start with 'http://' or 'https://'."],
    [' https://x.example', "HttpTarget.url must start with 'http://' or 'https://'."],
  ])('with the url %j', (url, message) => {
    expect(() => create({ target: { ...http, url } })).toThrow(invalidArgument(message));
  });

  test('with a url that is too long', () => {
    expect(() => create({ target: { ...http, url: `http://x/${'a'.repeat(2075)}` } })).toThrow(
      invalidField('task.http_request.url', '2084 characters are more than the 2083 allowed'),
    );
  });

  test('with a tag of 500 characters', () => {
    const tagged = (length: number): TaskInput => ({ target: { kind: 'pull', tag: 'x'.repeat(length) } });
    expect(create(tagged(499)).target).toMatchObject({ tag: 'x'.repeat(499) });
    expect(() => create(tagged(500))).toThrow(
      invalidField('task.pull_message.tag', '500 characters are too many; use less than 500'),
    );
  });

  test.each([
    ['walk', '"walk" must begin with "/"'],
    ['/a b', '"/a b" must not contain spaces'],
    [`/${'a'.repeat(2083)}`, '2084 characters are more than the 2083 allowed'],
  ])('with the relative uri %j', (relativeUri, description) => {
    expect(() => create({ target: { ...appEngine, relativeUri } })).toThrow(
      invalidField('task.app_engine_http_request.relative_uri', description),
    );
  });

  test.each<['http' | 'appEngine', HttpMethod, string]>([
    ['http', 'GET', 'POST, PUT, PATCH'],
    ['http', 'HEAD', 'POST, PUT, PATCH'],
    ['http', 'DELETE', 'POST, PUT, PATCH'],
    ['http', 'OPTIONS', 'POST, PUT, PATCH'],
    ['appEngine', 'PATCH', 'POST, PUT'],
    ['appEngine', 'GET', 'POST, PUT'],
  ])('for %s with a body that %s does not take', (kind, method, allowed) => {
    const target = kind === 'http' ? { ...http, method, body } : { ...appEngine, method, body };
    expect(() => create({ target })).toThrow(
      invalidField('task.body', `${method} takes no body; use ${allowed}, or leave the body out`),
    );
    expect(() => create({ target: { ...target, body: new Uint8Array() } })).not.toThrow();
  });
});

describe('a schedule time', () => {
  test('may be 720 hours ahead', () => {
    expect(create({ scheduleAt: NOW + 720 * HOUR_MS }).scheduleAt).toBe(NOW + 720 * HOUR_MS);
  });

  test.each([
    ['winter', '2100-01-01T00:00:00Z', '2099-12-31T16:00:00-08:00'],
    ['summer', '2099-07-01T12:34:56.789Z', '2099-07-01T05:34:56-07:00'],
    ['midnight', '2027-03-01T08:00:00Z', '2027-03-01T00:00:00-08:00'],
  ])('further ahead is refused, told in Pacific time of %s', (_, at, pacific) => {
    expect(() => create({ scheduleAt: Date.parse(at) })).toThrow(
      invalidArgument(
        `The Task.scheduleTime, ${pacific}, is too far in the future. Schedule time must be no more than 720h in the future.`,
      ),
    );
  });
});

describe('a dispatch deadline', () => {
  test.each([
    [http, 15_000, 15_000],
    [http, 1_800_000, 1_800_000],
    [http, 20_000.9, 20_000],
    [appEngine, 0, 600_000],
    [appEngine, 15_000, 15_000],
    [appEngine, 24 * HOUR_MS + 15_000, 24 * HOUR_MS + 15_000],
  ])('of %j may be %d ms and is kept as %d ms', (target, dispatchDeadlineMs, expected) => {
    expect(create({ target, dispatchDeadlineMs }).dispatchDeadlineMs).toBe(expected);
  });

  test.each([
    [http, 0, '[15s, 30m]'],
    [http, 14_999, '[15s, 30m]'],
    [http, 1_800_001, '[15s, 30m]'],
    [http, Number.NaN, '[15s, 30m]'],
    [appEngine, -1, '[15s, 24h15s]'],
    [appEngine, 14_999, '[15s, 24h15s]'],
    [appEngine, 24 * HOUR_MS + 15_001, '[15s, 24h15s]'],
  ])('of %j may not be %d ms', (target, dispatchDeadlineMs, range) => {
    expect(() => create({ target, dispatchDeadlineMs })).toThrow(
      invalidArgument(`Task.dispatchDeadline must be between ${range}.`),
    );
  });
});

describe('a name that the caller gives', () => {
  test('is good if it names a task of the queue', () => {
    expect(() => checkTaskName(NAME, QUEUE)).not.toThrow();
  });

  test('is refused if the task is of another queue', () => {
    const other = QUEUE.replace('my-queue', 'other');
    expect(() => checkTaskName(NAME, other)).toThrow(
      invalidArgument(
        `The queue name from request ('${other}') must be the same as the queue name in the named task ('${QUEUE}').`,
      ),
    );
  });
});
