import { describe, expect, test } from 'vitest';
import { FatalTaskError, PageturnerError } from '../../../lib/core/errors.ts';
import { isPlatformFailure, isTooLarge } from '../../../lib/core/platform-failure.ts';

/** As Google's clients throw them. */
function serviceError(code: number, details: string): Error {
  return Object.assign(new Error(`${code} CODE: ${details}`), { code, details });
}

describe('the platform is at fault', () => {
  test.each([
    ['a call that was cut off', serviceError(1, 'Cancelled')],
    ['a deadline of a service', serviceError(4, 'Deadline exceeded')],
    ['a quota', serviceError(8, 'Quota exceeded.')],
    ['contention', serviceError(10, 'Too much contention on these documents.')],
    ['an internal error of a service', serviceError(13, 'An internal error occurred.')],
    ['a service that is not there', serviceError(14, 'No connection established')],
    ["the handler's deadline", new PageturnerError('deadline-exceeded', 'late')],
    ['a turn that has to wait', new PageturnerError('held', 'wait')],
    ['keys of an issuer that cannot be had', new PageturnerError('unavailable', 'none')],
    ['an error that a handler wrapped', new Error('cannot save', { cause: serviceError(14, 'gone') })],
  ])('in %s', (_, error) => {
    expect(isPlatformFailure(error)).toBe(true);
  });
});

describe('the platform is not at fault', () => {
  test.each([
    ['an error of its own', new Error('no such template')],
    ['a thrown text', 'no'],
    ['a create of what exists', serviceError(6, 'Document already exists')],
    ['a missing index', serviceError(9, 'The query requires an index.')],
    ['parameters that do not fit', new PageturnerError('invalid-parameters', 'p')],
    ['an error of another library that has numbers', Object.assign(new Error('x'), { code: 14 })],
    ['a timeout of fetch, whose number is 23', new DOMException('timed out', 'TimeoutError')],
    ['a failure for good', new FatalTaskError('over')],
  ])('in %s', (_, error) => {
    expect(isPlatformFailure(error)).toBe(false);
  });

  test('in an error that is its own cause', () => {
    const error = new Error('round');
    error.cause = error;
    expect(isPlatformFailure(error)).toBe(false);
  });
});

describe('too large for Firestore', () => {
  test.each([
    [3, 'Transaction too big. Decrease transaction size.'],
    [3, 'Request payload size exceeds the limit: 11534336 bytes.'],
    [3, 'The value of property "outbox" is longer than 1048487 bytes.'],
    [
      3,
      "Document 'projects/p/d' cannot be written because its size (1,048,667 bytes) exceeds the maximum allowed size of 1,048,576 bytes.",
    ],
    [3, 'A document cannot be written because it exceeds the maximum size allowed.'],
    [3, 'maximum entity size is 1048576 bytes'],
    [3, 'maximum 500 writes allowed per request'],
    [3, 'too many index entries for entity /things/a'],
    [8, 'Received message larger than max (17777780 vs. 4194304)'],
    [8, 'gRPC message exceeds maximum size 4194304: 5118829'],
    [8, 'Attempted to send message with a size larger than 4194304'],
  ])('is %i: %s', (code, details) => {
    expect(isTooLarge(serviceError(code, details))).toBe(true);
  });

  test.each([
    [3, 'Cannot convert an array value in an array value.'],
    [8, 'Quota exceeded.'],
    [14, 'maximum'],
  ])('is not %i: %s', (code, details) => {
    expect(isTooLarge(serviceError(code, details))).toBe(false);
  });
});
