import { describe, expect, test } from 'vitest';
import {
  concludeAttempt,
  countResponse,
  isSuccess,
  responseStatusOf,
  startAttempt,
  type Conclusion,
} from '../../../emulator/core/attempt.ts';
import type { DispatchResult } from '../../../emulator/core/dispatch.ts';
import type { RetryConfig, Task } from '../../../emulator/core/model.ts';
import { appEngineTarget, sampleQueue, sampleTask } from '../samples.ts';

const DISPATCH_AT = 1_700_000_000_000;
const NOW = DISPATCH_AT + 250;
const { retryConfig } = sampleQueue();
const started = startAttempt(sampleTask({ createAt: DISPATCH_AT - 1000 }), DISPATCH_AT - 5, DISPATCH_AT);

function response(httpStatus: number): DispatchResult {
  return { kind: 'response', httpStatus };
}

function conclude(
  result: DispatchResult,
  task: Task = started,
  config: RetryConfig = retryConfig,
): Conclusion {
  const status = responseStatusOf(result);
  return concludeAttempt(task, result, config, { now: NOW, retryFrom: NOW, status });
}

describe('an attempt that begins', () => {
  test('is counted and dated', () => {
    expect(started).toMatchObject({
      scheduleAt: DISPATCH_AT - 5,
      dispatchCount: 1,
      responseCount: 0,
      firstAttempt: { dispatchAt: DISPATCH_AT },
      lastAttempt: { scheduleAt: DISPATCH_AT - 5, dispatchAt: DISPATCH_AT },
    });
  });

  test('keeps of the first attempt when it was dispatched, and of the last nothing', () => {
    const again = startAttempt(conclude(response(500)).task, NOW + 100, NOW + 101);
    expect(again.dispatchCount).toBe(2);
    expect(again.firstAttempt).toEqual({ dispatchAt: DISPATCH_AT });
    expect(again.lastAttempt).toEqual({ scheduleAt: NOW + 100, dispatchAt: NOW + 101 });
  });
});

describe('an attempt that ends', () => {
  test.each([200, 204, 299])('with %d completes the task', (httpStatus) => {
    const { kind, task } = conclude(response(httpStatus));
    expect(kind).toBe('completed');
    expect(task.lastAttempt?.responseStatus).toEqual({ code: 0, message: '' });
  });

  test.each<[string, DispatchResult]>([
    ['a status below 200', response(199)],
    ['a redirect', response(302)],
    ['a fault of the caller', response(404)],
    ['a fault of the worker', response(500)],
    ['a timeout', { kind: 'timeout' }],
    ['no connection', { kind: 'unreachable', reason: 'ECONNREFUSED' }],
  ])('with %s asks for a retry', (_, result) => {
    expect(isSuccess(result)).toBe(false);
    expect(conclude(result).kind).toBe('retry');
  });

  test('leaves the whole record of it', () => {
    expect(conclude(response(404)).task).toMatchObject({
      firstAttempt: { dispatchAt: DISPATCH_AT },
      lastAttempt: {
        scheduleAt: DISPATCH_AT - 5,
        dispatchAt: DISPATCH_AT,
        responseAt: NOW,
        responseStatus: { code: 5, message: 'NOT_FOUND(5): HTTP status code 404' },
      },
      previousHttpStatus: 404,
    });
  });

  test('in failure puts the next one the backoff after the instant to count from', () => {
    const config = { ...retryConfig, minBackoffMs: 10_000, maxDoublings: 3 };
    const third = { ...started, dispatchCount: 3 };
    const { task } = concludeAttempt(third, response(500), config, {
      now: NOW,
      retryFrom: NOW + 7000,
      status: responseStatusOf(response(500)),
    });
    expect(task.scheduleAt).toBe(NOW + 7000 + 40_000);
  });

  test('in failure as the last that is allowed gives the task up', () => {
    const { kind, task } = conclude(response(500), started, { ...retryConfig, maxAttempts: 1 });
    expect(kind).toBe('exhausted');
    expect(task.lastAttempt?.responseStatus?.code).toBe(13);
  });

  test('in success as the last that is allowed completes the task all the same', () => {
    expect(conclude(response(200), started, { ...retryConfig, maxAttempts: 1 }).kind).toBe('completed');
  });

  test.each([
    ['an HTTP task', sampleTask(), 504],
    ['an App Engine task', sampleTask({ target: appEngineTarget }), 0],
  ])('in a timeout of %s is remembered as %d', (_, task, expected) => {
    const attempted = startAttempt(task, 0, 0);
    const config = { ...retryConfig, maxAttempts: -1 };
    const concluded = concludeAttempt(attempted, { kind: 'timeout' }, config, {
      now: 5,
      retryFrom: 5,
      status: responseStatusOf({ kind: 'timeout' }),
    });
    expect(concluded.task.previousHttpStatus).toBe(expected);
  });
});

describe('counting responses', () => {
  test.each<[DispatchResult, number, number]>([
    [response(200), 1, 1],
    [response(499), 1, 1],
    [response(500), 1, 0],
    [response(599), 1, 0],
    [response(600), 1, 1],
    [{ kind: 'timeout' }, 0, 0],
    [{ kind: 'unreachable', reason: 'x' }, 0, 0],
  ])('%j makes %d responses and %d executions', (result, responseCount, executionCount) => {
    expect(countResponse(sampleTask(), result)).toMatchObject({ responseCount, executionCount });
  });
});

describe('the recorded status', () => {
  test.each([
    [400, 3, 'INVALID_ARGUMENT'],
    [401, 16, 'UNAUTHENTICATED'],
    [403, 7, 'PERMISSION_DENIED'],
    [404, 5, 'NOT_FOUND'],
    [409, 10, 'ABORTED'],
    [429, 8, 'RESOURCE_EXHAUSTED'],
    [499, 1, 'CANCELLED'],
    [500, 13, 'INTERNAL'],
    [501, 12, 'UNIMPLEMENTED'],
    [503, 14, 'UNAVAILABLE'],
    [504, 4, 'DEADLINE_EXCEEDED'],
    [302, 2, 'UNKNOWN'],
    [418, 2, 'UNKNOWN'],
    [502, 2, 'UNKNOWN'],
  ])('of %d is code %d, %s', (httpStatus, code, name) => {
    expect(responseStatusOf(response(httpStatus))).toEqual({
      code,
      message: `${name}(${code}): HTTP status code ${httpStatus}`,
    });
  });

  test.each<[string, DispatchResult, number, string]>([
    ['a timeout', { kind: 'timeout' }, 4, 'DEADLINE_EXCEEDED(4): HTTP status code 504'],
    ['no connection', { kind: 'unreachable', reason: 'x' }, 2, 'UNKNOWN(2): HTTP status code 0'],
  ])('of %s names a status that nobody sent', (_, result, code, message) => {
    expect(responseStatusOf(result)).toEqual({ code, message });
  });
});
