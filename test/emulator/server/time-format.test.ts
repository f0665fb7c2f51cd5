import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatDuration,
  formatTimestamp,
  parseDuration,
  parseTimestamp,
} from '../../../emulator/server/time-format.ts';

const nanos = fc.nat(999_999_999);

describe('a timestamp', () => {
  test('is the same after it was written and read', () => {
    const seconds = fc.integer({ min: -62_135_596_800, max: 253_402_300_799 });
    fc.assert(
      fc.property(fc.record({ seconds, nanos }), (timestamp) => {
        expect(parseTimestamp(formatTimestamp(timestamp))).toEqual(timestamp);
      }),
    );
  });

  test.each([
    [0, '1970-01-01T00:00:00Z'],
    [500_000_000, '1970-01-01T00:00:00.500Z'],
    [120_000, '1970-01-01T00:00:00.000120Z'],
    [1, '1970-01-01T00:00:00.000000001Z'],
    [100_000_001, '1970-01-01T00:00:00.100000001Z'],
  ])('with %d ns is written with as many threes of decimals as it needs', (nanos, expected) => {
    expect(formatTimestamp({ seconds: 0, nanos })).toBe(expected);
  });

  test.each([
    ['1970-01-01T02:00:00.5+02:00', 0, 500_000_000],
    ['1969-12-31T16:00:00-08:00', 0, 0],
    ['1969-12-31T23:59:59.1Z', -1, 100_000_000],
    ['2024-02-29T00:00:00Z', 1_709_164_800, 0],
  ])('may be written as %s', (text, seconds, nanos) => {
    expect(parseTimestamp(text)).toEqual({ seconds, nanos });
  });

  test.each([
    '',
    'now',
    '1700000000',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '2026-01-01 00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-02-31T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-01T25:00:00Z',
    '2026-01-01T00:60:00Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00.1234567890Z',
    '2026-01-01T00:00:00Z\n',
  ])('is not %j', (text) => {
    expect(parseTimestamp(text)).toBeUndefined();
  });
});

describe('a duration', () => {
  test('is the same after it was written and read, also a negative one', () => {
    fc.assert(
      fc.property(fc.nat(315_576_000_000), nanos, fc.constantFrom(1, -1), (seconds, nanos, sign) => {
        const { seconds: readSeconds, nanos: readNanos } =
          parseDuration(formatDuration({ seconds: sign * seconds, nanos: sign * nanos })) ??
          expect.fail('unread');
        // Zero has no sign here.
        expect([readSeconds + 0, readNanos + 0]).toEqual([sign * seconds + 0, sign * nanos + 0]);
      }),
    );
  });

  test.each([
    [0, 0, '0s'],
    [0, 100_000_000, '0.100s'],
    [3600, 0, '3600s'],
    [-1, -500_000_000, '-1.500s'],
    [0, -1, '-0.000000001s'],
  ])('of %d s and %d ns is written as %s', (seconds, nanos, expected) => {
    expect(formatDuration({ seconds, nanos })).toBe(expected);
  });

  test.each(['', 's', '1', '1m', '1.s', '.5s', '1e3s', '+1s', '--1s', '1.1234567890s', '1s ', '1s\n'])(
    'is not %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );
});
