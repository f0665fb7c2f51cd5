import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isErrorRateHigh } from '../../../emulator/core/error-rate.ts';

test.each([
  [9, 9, false],
  [10, 4, false],
  [10, 5, true],
  [1000, 499, false],
  [1000, 500, true],
])('of %d attempts %d failed: that is a high rate of errors: %s', (ended, failed, expected) => {
  expect(isErrorRateHigh(ended, failed)).toBe(expected);
});

test('one more failure never makes a rate of errors that is high a low one', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(10_000), (succeeded, failed) => {
      if (isErrorRateHigh(succeeded + failed, failed))
        expect(isErrorRateHigh(succeeded + failed + 1, failed + 1)).toBe(true);
    }),
  );
});
