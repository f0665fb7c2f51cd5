import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isExhausted } from '../../../emulator/core/retry.ts';
import { isLastAttempt } from '../../../lib/core/last-attempt.ts';

test.each([
  ['no limit is set', {}, 1_000_000, false],
  ['attempts are left', { maxAttempts: 3 }, 1, false],
  ['the attempts are used up', { maxAttempts: 3 }, 2, true],
  ['the time is over and attempts are not limited', { maxRetryMs: 900 }, 0, true],
  ['the time is not over', { maxRetryMs: 1_001 }, 50, false],
  ['the attempts are used up and the time is not over', { maxAttempts: 3, maxRetryMs: 1_001 }, 2, false],
  ['both are over', { maxAttempts: 3, maxRetryMs: 1_000 }, 2, true],
])('where %s, the last attempt is recognised', (_, limits, before, expected) => {
  expect(isLastAttempt(limits, before, 1_000, 2_000)).toBe(expected);
});

test('where the first attempt is not known, no time is over', () => {
  expect(isLastAttempt({ maxRetryMs: 1 }, 9, undefined, 2_000)).toBe(false);
});

test("the rule is the emulator's", () => {
  const limits = fc.record({
    maxAttempts: fc.integer({ min: -1, max: 5 }).filter((n) => n !== 0),
    maxRetryDurationMs: fc.nat(5),
  });
  fc.assert(
    fc.property(limits, fc.nat(6), fc.nat(9), ({ maxAttempts, maxRetryDurationMs }, before, now) => {
      const config = { maxAttempts, maxRetryDurationMs, minBackoffMs: 0, maxBackoffMs: 0, maxDoublings: 0 };
      const history = { attempts: before + 1, createAt: 0, firstAttemptAt: 0 };
      const ours = isLastAttempt(
        {
          ...(maxAttempts === -1 ? {} : { maxAttempts }),
          ...(maxRetryDurationMs === 0 ? {} : { maxRetryMs: maxRetryDurationMs }),
        },
        before,
        0,
        now,
      );
      expect(ours).toBe(isExhausted(config, history, now));
    }),
  );
});
