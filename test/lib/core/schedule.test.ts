import { expect, test } from 'vitest';
import { repeatTask, terminateTask } from '../../../lib/core/outcome.ts';
import { startAt } from '../../../lib/core/schedule.ts';

const now = Date.UTC(2026, 0, 1);

test('a delay counts in seconds from now, an instant is itself, and neither means at once', () => {
  expect(startAt({ delay: 90 }, now)).toBe(now + 90_000);
  expect(startAt({ at: new Date(now + 5) }, now)).toBe(now + 5);
  expect(startAt({}, now)).toBeUndefined();
});

test.each([
  [{ delay: -1 }, 'delay -1 is no time from now to 30 days ahead'],
  [{ delay: Number.NaN }, 'delay NaN'],
  [{ delay: 31 * 24 * 3600 }, 'delay 2678400'],
  [{ at: new Date(Number.NaN) }, 'at Invalid Date'],
  [{ at: new Date(Date.UTC(2027, 0, 1)) }, 'at 2027-01-01T00:00:00.000Z is no time'],
  [{ delay: '60' }, 'delay "60" is no time from now to 30 days ahead'],
  [{ at: '2026-01-01T00:00:00Z' }, 'at "2026-01-01T00:00:00Z" is no Date: write one, such as new Date('],
  [{ at: now }, `at ${now} is no Date`],
  [{ at: null }, 'at null is no Date'],
  [{ delay: 1, at: new Date(now) }, 'Both delay and at are given'],
])('%j is refused', (when, message) => {
  const start = () => startAt(when as Parameters<typeof startAt>[0], now);
  expect(start).toThrow(expect.objectContaining({ code: 'invalid-parameters' }));
  expect(start).toThrow(message);
});

test('outcomes say what they mean', () => {
  expect(repeatTask({ after: 2 })).toEqual({ outcome: 'repeat', afterMs: 2000 });
  expect(terminateTask('sent')).toEqual({ outcome: 'terminate', reason: 'sent' });
  expect(() => repeatTask({ after: -1 })).toThrow('write seconds between 0 and 2592000');
});
