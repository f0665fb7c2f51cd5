import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RateLimits } from '../../../emulator/core/model.ts';
import {
  burstSizeFor,
  FULL_BUCKET,
  nextTokenAt,
  resizeBucket,
  settleBucket,
  takeToken,
  type Bucket,
} from '../../../emulator/core/rate.ts';

const START_AT = 1_700_000_000_000;

function limitsOf(maxDispatchesPerSecond: number, maxBurstSize: number): RateLimits {
  return { maxDispatchesPerSecond, maxBurstSize, maxConcurrentDispatches: 1000 };
}

/** Takes as many tokens as the bucket gives at `now`, but no more than `wanted`. */
function drain(bucket: Bucket, limits: RateLimits, now: number, wanted = Infinity): [Bucket, number] {
  let left = settleBucket(bucket, limits, now);
  let count = 0;
  while (count < wanted && nextTokenAt(left, limits) <= now) {
    left = takeToken(left, limits);
    count += 1;
  }
  return [left, count];
}

const anyLimits = fc
  .tuple(fc.double({ min: 0.01, max: 500, noNaN: true }), fc.integer({ min: 1, max: 100 }))
  .map(([rate, burst]) => limitsOf(rate, burst));

describe('a bucket', () => {
  test('lets no more leave in any stretch of time than its burst and what flows in meanwhile', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.nat(150)), { maxLength: 30 });
    fc.assert(
      fc.property(anyLimits, steps, (limits, steps) => {
        let bucket = FULL_BUCKET;
        let now = START_AT;
        const departures: { at: number; count: number }[] = [];
        for (const [waitMs, wanted] of steps) {
          now += waitMs;
          const [left, count] = drain(bucket, limits, now, wanted);
          bucket = left;
          departures.push({ at: now, count });
        }
        for (const [first, { at: from }] of departures.entries()) {
          let left = 0;
          for (const { at: to, count } of departures.slice(first)) {
            left += count;
            const inflow = (limits.maxDispatchesPerSecond * (to - from)) / 1000;
            expect(left).toBeLessThanOrEqual(limits.maxBurstSize + inflow + 1e-3);
          }
        }
      }),
    );
  });

  test('holds a token at the very instant that it named for the next one', () => {
    fc.assert(
      fc.property(anyLimits, fc.nat(100_000), (limits, quietMs) => {
        const [empty] = drain(FULL_BUCKET, limits, START_AT);
        const [bucket] = drain(empty, limits, START_AT + quietMs);
        const next = nextTokenAt(bucket, limits);
        expect(next).toBeGreaterThan(START_AT + quietMs);
        expect(drain(bucket, limits, next)[1]).toBe(1);
      }),
    );
  });

  test('that was left in peace is full and no fuller', () => {
    fc.assert(
      fc.property(anyLimits, (limits) => {
        const [empty, burst] = drain(FULL_BUCKET, limits, START_AT);
        expect(burst).toBe(limits.maxBurstSize);
        expect(drain(empty, limits, START_AT + 1e9)[1]).toBe(limits.maxBurstSize);
      }),
    );
  });

  test('with a rate of one in four seconds gives its burst and then a token every four seconds', () => {
    const limits = limitsOf(0.25, 10);
    const [empty, burst] = drain(FULL_BUCKET, limits, START_AT);
    expect(burst).toBe(10);
    expect(nextTokenAt(empty, limits)).toBe(START_AT + 4000);
    expect(drain(empty, limits, START_AT + 3999)[1]).toBe(0);
    expect(drain(empty, limits, START_AT + 4000)[1]).toBe(1);
    expect(drain(empty, limits, START_AT + 11_999)[1]).toBe(2);
  });

  test('makes nobody wait longer than for one token after the clock was set back', () => {
    const limits = limitsOf(2, 10);
    const [empty] = drain(FULL_BUCKET, limits, START_AT);
    const earlier = START_AT - 3_600_000;
    expect(nextTokenAt(settleBucket(empty, limits, earlier), limits)).toBe(earlier + 500);
  });
});

describe('under new limits a bucket', () => {
  test.each([
    ['keeps its tokens when it grows', { taken: 4, from: [1, 10], to: [100, 20] }, 6],
    [
      'keeps its tokens when it shrinks to a size that holds them',
      { taken: 4, from: [100, 10], to: [1, 8] },
      6,
    ],
    ['keeps no more than the new size holds', { taken: 0, from: [100, 20], to: [1, 10] }, 10],
    ['stays empty when it was empty', { taken: 10, from: [1, 10], to: [500, 100] }, 0],
  ] as const)('%s', (_, { taken, from, to }, expected) => {
    const before = limitsOf(from[0], from[1]);
    const after = limitsOf(to[0], to[1]);
    const [bucket] = drain(FULL_BUCKET, before, START_AT, taken);
    const resized = resizeBucket(settleBucket(bucket, before, START_AT), before, after, START_AT);
    expect(settleBucket(resized, after, START_AT)).toEqual(resized);
    expect(drain(resized, after, START_AT)[1]).toBe(expected);
  });

  test('fills at the new rate', () => {
    const [slow, fast] = [limitsOf(0.1, 10), limitsOf(10, 10)];
    const [empty] = drain(FULL_BUCKET, slow, START_AT);
    const resized = resizeBucket(empty, slow, fast, START_AT);
    expect(nextTokenAt(resized, fast)).toBe(START_AT + 100);
  });
});

test.each([
  [0.25, 10],
  [1, 10],
  [5, 10],
  [51, 11],
  [500, 100],
])('a rate of %d a second gets a bucket for %d, as the service was seen to choose', (rate, size) => {
  expect(burstSizeFor(rate)).toBe(size);
});
