import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  eased,
  effectiveLimits,
  isPushback,
  NO_PRESSURE,
  pushedBack,
} from '../../../emulator/core/back-pressure.ts';

const LIMITS = { maxDispatchesPerSecond: 500, maxBurstSize: 100, maxConcurrentDispatches: 1000 };

describe('an answer', () => {
  test.each([
    [503, 'http', true],
    [429, 'http', true],
    [503, 'appEngine', true],
    [429, 'appEngine', false],
    [500, 'http', false],
    [200, 'http', false],
  ] as const)('of %d from a target of kind %s is a pushback: %s', (httpStatus, kind, expected) => {
    expect(isPushback({ kind: 'response', httpStatus }, kind)).toBe(expected);
  });

  test.each([{ kind: 'timeout' }, { kind: 'unreachable', reason: '' }] as const)(
    'that did not come ($kind) is none',
    (result) => expect(isPushback(result, 'http')).toBe(false),
  );
});

describe('a pushback', () => {
  test('halves the rate and the burst, and leaves concurrency alone', () => {
    expect(effectiveLimits(LIMITS, pushedBack(NO_PRESSURE, 0))).toEqual({
      maxDispatchesPerSecond: 250,
      maxBurstSize: 50,
      maxConcurrentDispatches: 1000,
    });
  });

  test('in the second after another halves nothing, and keeps the rate down for longer', () => {
    const first = pushedBack(NO_PRESSURE, 0);
    const second = pushedBack(first, 999);
    expect(second).toMatchObject({ halvings: 1, easesAt: 10_999 });
    expect(pushedBack(second, 1000).halvings).toBe(2);
  });

  test('never stops a queue, however many there are, and all of it eases', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5000), { maxLength: 50 }), (waits) => {
        let now = 0;
        let pressure = NO_PRESSURE;
        for (const wait of waits) {
          now += wait;
          while (pressure.easesAt <= now) pressure = eased(pressure);
          pressure = pushedBack(pressure, now);
          const { maxDispatchesPerSecond, maxBurstSize } = effectiveLimits(LIMITS, pressure);
          expect(maxDispatchesPerSecond).toBeGreaterThanOrEqual(500 / 64);
          expect(maxBurstSize).toBeGreaterThanOrEqual(1);
        }
        const wholeAt = now + 60_000;
        while (pressure.easesAt <= wholeAt) pressure = eased(pressure);
        expect(effectiveLimits(LIMITS, pressure)).toEqual(LIMITS);
      }),
    );
  });
});
