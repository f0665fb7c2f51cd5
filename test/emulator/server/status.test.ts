import { describe, expect, test, vi } from 'vitest';
import { ApiError, type ErrorCode } from '../../../emulator/core/errors.ts';
import { badRequest, httpStatusOf, toApiError } from '../../../emulator/server/status.ts';
import { apiError } from '../api-error.ts';

test.each<[ErrorCode, number]>([
  ['INVALID_ARGUMENT', 400],
  ['FAILED_PRECONDITION', 400],
  ['UNAUTHENTICATED', 401],
  ['PERMISSION_DENIED', 403],
  ['NOT_FOUND', 404],
  ['ALREADY_EXISTS', 409],
  ['ABORTED', 409],
  ['RESOURCE_EXHAUSTED', 429],
  ['INTERNAL', 500],
  ['UNIMPLEMENTED', 501],
  ['UNAVAILABLE', 503],
  ['DEADLINE_EXCEEDED', 504],
])('%s is HTTP status %d', (code, status) => {
  expect(httpStatusOf(code)).toBe(status);
});

describe('what an RPC threw', () => {
  test('leaves as it is when it is an answer to the caller', () => {
    const reportDefect = vi.fn();
    const error = new ApiError('NOT_FOUND', 'x');
    expect(toApiError(error, reportDefect)).toBe(error);
    expect(reportDefect).not.toHaveBeenCalled();
  });

  test.each([new TypeError('secret'), 'secret', undefined])(
    'is reported whole when it is a defect, and tells the caller nothing: %s',
    (defect) => {
      const reportDefect = vi.fn();
      expect(toApiError(defect, reportDefect)).toEqual(
        apiError('INTERNAL', 'Internal error encountered.', []),
      );
      expect(reportDefect.mock.calls).toEqual([[defect]]);
    },
  );
});

test('a bad request names each fault in its text and in its details', () => {
  const fieldViolations = [
    { field: 'task.name', description: 'one' },
    { field: '', description: 'two' },
  ];
  expect(badRequest(fieldViolations)).toEqual(
    apiError('INVALID_ARGUMENT', 'one\ntwo', [{ type: 'google.rpc.BadRequest', value: { fieldViolations } }]),
  );
});
