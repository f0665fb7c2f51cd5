import { describe, expect, test } from 'vitest';
import {
  isNextInSequence,
  lacksContentType,
  refusalOfCall,
  refusalOfTask,
} from '../../../emulator/core/production-rules.ts';
import type { HttpTarget } from '../../../emulator/core/model.ts';
import { appEngineTarget, httpTarget, sampleTask } from '../samples.ts';

const ACCOUNT = 'tasks@my-project.iam.gserviceaccount.com';

function taskTo(target: Partial<HttpTarget>) {
  return sampleTask({ target: { ...httpTarget, ...target } });
}

describe('a task', () => {
  test.each<[string, Partial<HttpTarget>, string | undefined]>([
    ['without a token over http', { url: 'http://x/' }, undefined],
    [
      'with a token over https',
      { url: 'HTTPS://x/', authorization: { kind: 'oidc', serviceAccountEmail: ACCOUNT } },
      undefined,
    ],
    [
      'with a token over http',
      { url: 'http://x/', authorization: { kind: 'oauth', serviceAccountEmail: ACCOUNT } },
      "HttpRequest.url must start with 'https://' for request with HttpRequest.authorization_header",
    ],
    [
      'of an address that is no service account',
      { url: 'https://x/', authorization: { kind: 'oidc', serviceAccountEmail: 'me@example.com' } },
      'The principal (user or service account) lacks IAM permission "iam.serviceAccounts.actAs" for the resource "me@example.com" (or the resource may not exist).',
    ],
  ])('%s would be told %3$j', (_, target, text) => {
    expect(refusalOfTask(taskTo(target))?.error().message).toBe(text);
  });

  test('with a body and no content type is one to warn of', () => {
    const body = Uint8Array.of(1);
    expect(lacksContentType(taskTo({ body }))).toBe(true);
    expect(lacksContentType(taskTo({ body, headers: { 'content-TYPE': 'text/plain' } }))).toBe(false);
    expect(lacksContentType(taskTo({}))).toBe(false);
    expect(lacksContentType(sampleTask({ target: { ...appEngineTarget, body } }))).toBe(false);
  });
});

test.each([
  ['mail-1', 'mail-2', true],
  ['9', '10', true],
  ['mail-009', 'mail-010', true],
  ['mail-1', 'mail-3', false],
  ['mail-1', 'post-2', false],
  ['', '1', false],
  ['a', 'b', false],
])('after %j the id %j counts on: %s', (before, id, expected) => {
  expect(isNextInSequence(before, id)).toBe(expected);
});

describe('a call over gRPC', () => {
  const now = Date.UTC(2026, 0, 1);

  const routing = { field: 'queue.name', value: 'projects/p/locations/l/queues/q' };

  test.each([undefined, '', 'queue', 'name=projects'])(
    'with the request params %j is refused',
    (requestParams) => {
      expect(refusalOfCall({ requestParams, routing, deadlineAt: now + 1000 }, now)?.error()).toMatchObject({
        code: 'INVALID_ARGUMENT',
        message:
          '"x-goog-request-params" header is either missing or misformatted. ' +
          '"x-goog-request-params" must contain "queue.name=projects/p/locations/l/queues/q"',
      });
    },
  );

  test('of which no field names a resource needs no request params', () => {
    const call = { requestParams: undefined, routing: undefined, deadlineAt: now + 1000 };
    expect(refusalOfCall(call, now)).toBeUndefined();
  });

  test('with more than 30 seconds to go is refused, in the time of the Pacific coast', () => {
    const call = { requestParams: 'queue.name=x', routing, deadlineAt: now + 30_001 };
    expect(refusalOfCall(call, now)?.error().message).toBe(
      'The request deadline is 2025-12-31T16:00:30-08:00. The deadline cannot be more than 30s in the future.',
    );
    expect(refusalOfCall({ ...call, deadlineAt: now + 30_000 }, now)).toBeUndefined();
    expect(refusalOfCall({ ...call, deadlineAt: Number.POSITIVE_INFINITY }, now)).toBeUndefined();
  });
});
