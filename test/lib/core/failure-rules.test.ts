import { describe, expect, test } from 'vitest';
import { FatalTaskError, NotBegunError, PageturnerError } from '../../../lib/core/errors.ts';
import { remedyAtTheEnd, remedyFor, type FailurePolicy } from '../../../lib/core/failure-rules.ts';

const retry: FailurePolicy = { onError: 'retry', tries: 3, maxFailures: 5, maxQuarantined: 2 };
const quarantine: FailurePolicy = { ...retry, onError: 'quarantine' };
const fail: FailurePolicy = { ...retry, onError: 'fail' };
const none = { failures: 0, inARow: 0, quarantined: 0 };
const users = new Error('no such template');
const platform = Object.assign(new Error('gone'), { code: 14, details: 'gone' });
const late = new PageturnerError('deadline-exceeded', 'late');
const large = Object.assign(new Error('Transaction too big.'), { code: 3, details: '' });

describe("a failure of the user's code", () => {
  test('with several documents is looked for among half of them, without being counted', () => {
    for (const policy of [retry, quarantine]) expect(remedyFor(users, 100, none, policy)).toBe('narrow');
  });

  test('with one document is counted, and the last one of the budget ends the run', () => {
    const remedies = [0, 1, 2, 3, 4].map((failures) => remedyFor(users, 1, { ...none, failures }, retry));
    expect(remedies).toEqual(['count', 'count', 'count', 'count', 'fail']);
  });

  test('with one document sets it aside after so many tries', () => {
    const remedies = [0, 1, 2].map((inARow) =>
      remedyFor(users, 1, { failures: 2, inARow, quarantined: 0 }, quarantine),
    );
    expect(remedies).toEqual(['count', 'count', 'set-aside']);
  });

  test('ends the run when too many documents were set aside', () => {
    expect(remedyFor(users, 1, { failures: 2, inARow: 2, quarantined: 2 }, quarantine)).toBe('too-many');
  });

  test('before there are documents has nothing to set aside, and uses up the budget', () => {
    const remedies = [2, 4].map((inARow) =>
      remedyFor(users, 0, { ...none, failures: 90, inARow }, quarantine),
    );
    expect(remedies).toEqual(['count', 'fail']);
  });

  test('ends the run at once where that is asked for, or thrown', () => {
    expect(remedyFor(users, 100, none, fail)).toBe('fail');
    expect(remedyFor(new FatalTaskError('over'), 100, none, quarantine)).toBe('fail');
  });
});

describe('a failure of the platform', () => {
  test('is never counted, under any policy and however often', () => {
    for (const policy of [retry, quarantine, fail]) {
      for (const documents of [0, 1, 100]) {
        expect(remedyFor(platform, documents, { ...none, failures: 4 }, policy)).toBe('again');
      }
    }
  });

  test('by time makes the next page smaller, where it can be', () => {
    expect(remedyFor(late, 100, none, fail)).toBe('smaller');
    expect(remedyFor(late, 1, none, fail)).toBe('again');
  });
});

test('what is too large is tried with half of it, and with one document counts as a failure of the user', () => {
  for (const policy of [retry, quarantine, fail]) expect(remedyFor(large, 2, none, policy)).toBe('narrow');
  expect(remedyFor(large, 1, none, retry)).toBe('count');
  expect(remedyFor(large, 1, { ...none, inARow: 2 }, quarantine)).toBe('set-aside');
  expect(remedyFor(large, 1, none, fail)).toBe('fail');
});

describe('after the last attempt', () => {
  test("a failure of the user's code ends the run, or sets the document aside", () => {
    expect(remedyAtTheEnd('count', users, 1, none, retry)).toBe('fail');
    expect(remedyAtTheEnd('count', users, 1, none, quarantine)).toBe('set-aside');
    expect(remedyAtTheEnd('count', users, 0, none, quarantine)).toBe('fail');
  });

  test('a failure of the platform begins the chain anew', () => {
    expect(remedyAtTheEnd('again', platform, 1, none, retry)).toBe('restart');
    expect(remedyAtTheEnd('smaller', late, 100, none, retry)).toBe('restart');
  });

  test('a document that alone takes too long is to blame', () => {
    expect(remedyAtTheEnd('again', late, 1, none, retry)).toBe('fail');
    expect(remedyAtTheEnd('again', late, 1, none, quarantine)).toBe('set-aside');
  });

  test('a document whose handler was not called, as the time was over before, is not', () => {
    const notBegun = new NotBegunError(13_500);
    expect(remedyFor(notBegun, 1, none, quarantine)).toBe('again');
    for (const policy of [retry, quarantine])
      expect(remedyAtTheEnd('again', notBegun, 1, none, policy)).toBe('restart');
  });
});
