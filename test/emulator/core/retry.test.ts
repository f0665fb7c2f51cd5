import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RetryConfig } from '../../../emulator/core/model.ts';
import { backoffMs, isExhausted, TASK_RETENTION_MS } from '../../../emulator/core/retry.ts';

const config: RetryConfig = {
  maxAttempts: 100,
  maxRetryDurationMs: 0,
  minBackoffMs: 10_000,
  maxBackoffMs: 300_000,
  maxDoublings: 3,
};

function backoffsSeconds(changes: Partial<RetryConfig>, count: number): number[] {
  return Array.from({ length: count }, (_, i) => backoffMs({ ...config, ...changes }, i + 1) / 1000);
}

describe('the wait before a retry', () => {
  test.each([
    ['doubles, then grows by even steps, then stays at its limit', {}, [10, 20, 40, 80, 160, 240, 300, 300]],
    ['grows by even steps from the start without doublings', { maxDoublings: 0 }, [10, 20, 30, 40, 50]],
    ['doubles up to its limit with many doublings', { maxDoublings: 16 }, [10, 20, 40, 80, 160, 300, 300]],
    ['is always the same when minimum and maximum are', { maxBackoffMs: 10_000 }, [10, 10, 10]],
    ['is none when the maximum is none', { minBackoffMs: 0, maxBackoffMs: 0 }, [0, 0, 0]],
  ])('%s', (_, changes, expected) => {
    expect(backoffsSeconds(changes, expected.length)).toEqual(expected);
  });

  test('is none after any number of attempts when the minimum is none', () => {
    expect(backoffMs({ ...config, minBackoffMs: 0, maxDoublings: 5000 }, 5000)).toBe(0);
  });

  test('never shrinks and never leaves its limits, however many attempts there were', () => {
    const anyConfig = fc.record({
      minBackoffMs: fc.nat(1_000_000),
      addedMs: fc.nat(10_000_000),
      maxDoublings: fc.nat(5000),
    });
    fc.assert(
      fc.property(anyConfig, fc.integer({ min: 1, max: 100_000 }), ({ addedMs, ...some }, attempts) => {
        const given = { ...config, ...some, maxBackoffMs: some.minBackoffMs + addedMs };
        const wait = backoffMs(given, attempts);
        expect(wait).toBeGreaterThanOrEqual(given.minBackoffMs);
        expect(wait).toBeLessThanOrEqual(given.maxBackoffMs);
        expect(backoffMs(given, attempts + 1)).toBeGreaterThanOrEqual(wait);
      }),
    );
  });
});

describe('a failed task', () => {
  const createAt = 1_000_000;
  const firstAttemptAt = createAt + 5000;

  test.each([
    ['is tried again below its limit of attempts', { maxAttempts: 3 }, 2, 0, false],
    ['is given up at its limit of attempts, whose first counts', { maxAttempts: 3 }, 3, 0, true],
    ['has no second attempt when one is allowed', { maxAttempts: 1 }, 1, 0, true],
    ['lives as long as attempts are left, when its age has no limit', { maxAttempts: 3 }, 2, 1e9, false],
    [
      'outlives its attempts while it is young enough',
      { maxAttempts: 3, maxRetryDurationMs: 60_000 },
      3,
      59_999,
      false,
    ],
    [
      'outlives its age while attempts are left',
      { maxAttempts: 3, maxRetryDurationMs: 60_000 },
      2,
      60_000,
      false,
    ],
    [
      'is given up when both limits are reached',
      { maxAttempts: 3, maxRetryDurationMs: 60_000 },
      3,
      60_000,
      true,
    ],
    [
      'is given up by age alone when attempts have no limit',
      { maxAttempts: -1, maxRetryDurationMs: 60_000 },
      1,
      60_000,
      true,
    ],
    [
      'has any number of attempts while it is young enough',
      { maxAttempts: -1, maxRetryDurationMs: 60_000 },
      9999,
      59_999,
      false,
    ],
    ['is tried for ever without limits', { maxAttempts: -1, maxRetryDurationMs: 0 }, 1e6, 1e9, false],
  ])('%s', (_, changes, attempts, sinceFirstAttemptMs, expected) => {
    const history = { attempts, createAt, firstAttemptAt };
    expect(isExhausted({ ...config, ...changes }, history, firstAttemptAt + sinceFirstAttemptMs)).toBe(
      expected,
    );
  });

  test.each([
    ['lives on just before the service ends all tasks', -1, false],
    ['is given up after 31 days, whatever its queue says', 0, true],
  ])('%s', (_, offsetMs, expected) => {
    const unlimited = { ...config, maxAttempts: -1 };
    const history = { attempts: 1, createAt, firstAttemptAt };
    expect(isExhausted(unlimited, history, createAt + TASK_RETENTION_MS + offsetMs)).toBe(expected);
  });
});
