import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RateLimits } from '../../../emulator/core/model.ts';
import { rampedLimits } from '../../../emulator/core/slow-start.ts';

const LIMITS: RateLimits = { maxDispatchesPerSecond: 500, maxBurstSize: 100, maxConcurrentDispatches: 1000 };

describe('a queue', () => {
  test('that sent nothing in the last minute sends ten a second, and ten at once', () => {
    expect(rampedLimits(LIMITS, 0)).toEqual({
      maxDispatchesPerSecond: 10,
      maxBurstSize: 10,
      maxConcurrentDispatches: 1000,
    });
  });

  test('may send half as many again as succeeded in the last minute', () => {
    expect(rampedLimits(LIMITS, 6000)).toMatchObject({ maxDispatchesPerSecond: 160, maxBurstSize: 32 });
  });

  test('that has come up to its rate has its own limits', () => {
    expect(rampedLimits(LIMITS, 20_000)).toBe(LIMITS);
  });

  test('of ten a second or fewer is never held back', () => {
    const slow = { ...LIMITS, maxDispatchesPerSecond: 10, maxBurstSize: 10 };
    expect(rampedLimits(slow, 0)).toBe(slow);
  });
});

test('never more than the queue allows, never less than ten a second unless it allows less, and more with each success', () => {
  const limits = fc.record({
    maxDispatchesPerSecond: fc.double({ min: 0.01, max: 500, noNaN: true }),
    maxBurstSize: fc.integer({ min: 1, max: 500 }),
    maxConcurrentDispatches: fc.constant(1000),
  });
  fc.assert(
    fc.property(limits, fc.nat(60_000), fc.nat(1000), (own, succeeded, more) => {
      const now = rampedLimits(own, succeeded);
      const later = rampedLimits(own, succeeded + more);
      expect(now.maxDispatchesPerSecond).toBeLessThanOrEqual(own.maxDispatchesPerSecond);
      expect(now.maxDispatchesPerSecond).toBeGreaterThanOrEqual(Math.min(10, own.maxDispatchesPerSecond));
      expect(now.maxBurstSize).toBeLessThanOrEqual(own.maxBurstSize);
      expect(now.maxBurstSize).toBeGreaterThanOrEqual(1);
      expect(later.maxDispatchesPerSecond).toBeGreaterThanOrEqual(now.maxDispatchesPerSecond);
    }),
  );
});

test('a queue that always has tasks, all of which succeed, gets up to 500 a second in three minutes and a half', () => {
  const sent: number[] = [];
  for (let second = 0; second < 210; second += 1) {
    const lastMinute = sent.slice(-60).reduce((sum, count) => sum + count, 0);
    sent.push(rampedLimits(LIMITS, lastMinute).maxDispatchesPerSecond);
  }
  expect(sent[60]).toBeLessThan(50);
  expect(sent[200]).toBeLessThan(500);
  expect(sent[209]).toBe(500);
});
