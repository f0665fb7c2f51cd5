import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  durationFromProto,
  durationToProto,
  instantFromProto,
  instantToProto,
} from '../../../../emulator/server/messages/time.ts';
import { invalidArgument } from '../../api-error.ts';

const FIELD = 'task.schedule_time';
const micros = fc.nat(999_999);
// What a task can be scheduled for, for years to come: instants are numbers of milliseconds, exact to the microsecond here.
const seconds = fc.integer({ min: 0, max: Date.UTC(2040, 0) / 1000 });

describe('an instant', () => {
  test('is the same after it went through the emulator', () => {
    fc.assert(
      fc.property(seconds, micros, (seconds, micros) => {
        const timestamp = { seconds, nanos: micros * 1000 };
        const instant = instantFromProto(timestamp, FIELD) ?? expect.fail('no instant');
        expect(instantToProto(instant)).toEqual(timestamp);
      }),
    );
  });

  test('is cut to the microsecond, not rounded', () => {
    expect(instantFromProto({ seconds: 1, nanos: 1_999 }, FIELD)).toBe(1000.001);
  });

  test.each([
    [{}, 0],
    [{ seconds: null, nanos: null }, 0],
    [{ seconds: '5' }, 5000],
    [{ seconds: -1, nanos: 500_000_000 }, -500],
    [{ seconds: -62_135_596_800 }, -62_135_596_800_000],
    [{ seconds: 253_402_300_799 }, 253_402_300_799_000],
  ])('may be given as %j', (timestamp, expected) => {
    expect(instantFromProto(timestamp, FIELD)).toBe(expected);
  });

  test.each([undefined, null])('that is %s is none', (timestamp) => {
    expect(instantFromProto(timestamp, FIELD)).toBeUndefined();
  });

  test.each([
    [253_402_300_800, 0],
    [-62_135_596_801, 0],
    [0, -1],
    [0, 1e9],
    [Number.NaN, 0],
    [0, Number.NaN],
  ])('of %d s and %d ns is refused', (seconds, nanos) => {
    expect(() => instantFromProto({ seconds, nanos }, FIELD)).toThrow(
      invalidArgument(
        `Invalid value at '${FIELD}' (type.googleapis.com/google.protobuf.Timestamp), ${seconds} seconds and ${nanos} nanos are out of range.`,
      ),
    );
  });
});

describe('a duration', () => {
  test('is the same after it went through the emulator', () => {
    fc.assert(
      fc.property(seconds, micros, (seconds, micros) => {
        const duration = { seconds, nanos: micros * 1000 };
        expect(durationToProto(durationFromProto(duration, FIELD) ?? expect.fail('no duration'))).toEqual(
          duration,
        );
      }),
    );
  });

  test.each([
    [{}, 0],
    [{ nanos: 100_000_000 }, 100],
    [{ seconds: -1, nanos: -500_000_000 }, -1500],
    [{ seconds: '315576000000' }, 315_576_000_000_000],
  ])('may be given as %j', (duration, expected) => {
    expect(durationFromProto(duration, FIELD)).toBe(expected);
  });

  test.each([undefined, null])('that is %s is none', (duration) => {
    expect(durationFromProto(duration, FIELD)).toBeUndefined();
  });

  test.each([
    [315_576_000_001, 0],
    [-315_576_000_001, 0],
    [0, 1e9],
    [0, -1e9],
    [1, -1],
    [-1, 1],
    [Number.NaN, 0],
  ])('of %d s and %d ns is refused', (seconds, nanos) => {
    expect(() => durationFromProto({ seconds, nanos }, FIELD)).toThrow(
      invalidArgument(
        `Invalid value at '${FIELD}' (type.googleapis.com/google.protobuf.Duration), ${seconds} seconds and ${nanos} nanos are out of range.`,
      ),
    );
  });
});
