import { describe, expect, test } from 'vitest';
import { concludeAttempt, responseStatusOf, startAttempt } from '../../../emulator/core/attempt.ts';
import type { DispatchResult } from '../../../emulator/core/dispatch.ts';
import { deliveryHeaders } from '../../../emulator/core/headers.ts';
import type { PushTarget } from '../../../emulator/core/model.ts';
import { appEngineTarget, httpTarget, sampleQueue, sampleRequest, sampleTask } from '../samples.ts';

/** The headers of each attempt of a task whose attempts end in `results`. */
function headersOfAttempts(target: PushTarget, results: readonly DispatchResult[]): Record<string, string>[] {
  const queue = sampleQueue();
  let task = sampleTask({ target });
  return results.map((result) => {
    const { scheduleAt } = task;
    const headers = deliveryHeaders({ queue, task: { ...task, target }, scheduleAt });
    const started = startAttempt(task, scheduleAt, scheduleAt);
    const now = scheduleAt + 10;
    const status = responseStatusOf(result);
    task = concludeAttempt(started, result, queue.retryConfig, { now, retryFrom: now, status }).task;
    return headers;
  });
}

function column(headers: readonly Record<string, string>[], name: string): (string | undefined)[] {
  return headers.map((each) => each[name]);
}

// The order of statuses in which the real service was recorded.
const recorded = [503, 404, 429, 500, 302, 200].map((httpStatus): DispatchResult => ({
  kind: 'response',
  httpStatus,
}));

describe('an HTTP task', () => {
  test('tells its worker on the first attempt what it is, and nothing about retries', () => {
    const request = sampleRequest({ scheduleAt: 1_618_052_481_246.814 });
    expect(deliveryHeaders(request)).toEqual({
      'X-CloudTasks-QueueName': 'my-queue',
      'X-CloudTasks-TaskName': 't1',
      'X-CloudTasks-TaskRetryCount': '0',
      'X-CloudTasks-TaskExecutionCount': '0',
      'X-CloudTasks-TaskETA': '1618052481.246814',
    });
  });

  test.each([
    ['X-CloudTasks-TaskRetryCount', ['0', '1', '2', '3', '4', '5']],
    ['X-CloudTasks-TaskExecutionCount', ['0', '0', '1', '2', '2', '3']],
    ['X-CloudTasks-TaskPreviousResponse', [undefined, '503', '404', '429', '500', '302']],
    ['X-CloudTasks-TaskRetryReason', [undefined, '', '', '', '', '']],
    ['X-CloudTasks-TaskETA', ['0.000000', '0.110000', '0.320000', '0.730000', '1.540000', '3.150000']],
  ])('counts in %s as the real service was recorded', (name, expected) => {
    expect(column(headersOfAttempts(httpTarget, recorded), name)).toEqual(expected);
  });

  test('reports a timeout as 504, no connection as 0, and counts neither as a response', () => {
    const results: DispatchResult[] = [
      { kind: 'timeout' },
      { kind: 'unreachable', reason: 'ECONNREFUSED' },
      { kind: 'timeout' },
    ];
    const headers = headersOfAttempts(httpTarget, results);
    expect(column(headers, 'X-CloudTasks-TaskPreviousResponse')).toEqual([undefined, '504', '0']);
    expect(column(headers, 'X-CloudTasks-TaskExecutionCount')).toEqual(['0', '0', '0']);
    expect(column(headers, 'X-CloudTasks-TaskRetryCount')).toEqual(['0', '1', '2']);
  });

  test('keeps its own headers in their casing', () => {
    const headers = { 'x-PAGE': '1', 'User-Agent': 'Google-Cloud-Tasks' };
    expect(deliveryHeaders(sampleRequest({ target: { ...httpTarget, headers } }))).toMatchObject(headers);
  });

  test('gives up its own authorization when the service makes one', () => {
    const target = { ...httpTarget, headers: { AUTHORIZATION: 'mine' } };
    expect(deliveryHeaders(sampleRequest({ target }))).toHaveProperty('AUTHORIZATION', 'mine');
    const authorization = { kind: 'oauth', serviceAccountEmail: 'a@b.c' } as const;
    const withToken = deliveryHeaders(sampleRequest({ target: { ...target, authorization } }));
    expect(withToken).not.toHaveProperty('AUTHORIZATION');
  });
});

describe('an App Engine task', () => {
  test('tells its worker on the first attempt what it is, and leaves the content length to the transport', () => {
    const headers = { 'Content-Length': '4', 'Content-Type': 'text/plain' };
    expect(deliveryHeaders(sampleRequest({ target: { ...appEngineTarget, headers } }))).toEqual({
      'Content-Type': 'text/plain',
      'X-AppEngine-QueueName': 'my-queue',
      'X-AppEngine-TaskName': 't1',
      'X-AppEngine-TaskRetryCount': '0',
      'X-AppEngine-TaskExecutionCount': '0',
      'X-AppEngine-TaskETA': '0.000000',
    });
  });

  test.each([
    ['X-AppEngine-TaskRetryCount', ['0', '1', '2', '3', '4', '5']],
    ['X-AppEngine-TaskExecutionCount', ['0', '1', '2', '3', '4', '5']],
    ['X-AppEngine-TaskPreviousResponse', [undefined, '503', '404', '429', '500', '302']],
    ['X-AppEngine-TaskRetryReason', [undefined, ...Array.from({ length: 5 }, () => 'App Error')]],
  ])('counts every response in %s', (name, expected) => {
    expect(column(headersOfAttempts(appEngineTarget, recorded), name)).toEqual(expected);
  });

  test('reports a timeout as 0, for want of an instance', () => {
    const [, second] = headersOfAttempts(appEngineTarget, [{ kind: 'timeout' }, { kind: 'timeout' }]);
    expect(second).toMatchObject({
      'X-AppEngine-TaskExecutionCount': '0',
      'X-AppEngine-TaskPreviousResponse': '0',
      'X-AppEngine-TaskRetryReason': 'Instance Unavailable',
    });
  });
});
