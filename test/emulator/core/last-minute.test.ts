import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LastMinute } from '../../../emulator/core/last-minute.ts';

test('nothing has happened at first', () => {
  expect(new LastMinute().count(0)).toBe(0);
});

test('the count is that of the sixty seconds up to now, whenever events came and time was asked for', () => {
  const step = fc.record({ afterMs: fc.integer({ min: 0, max: 90_000 }), isEvent: fc.boolean() });
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 2e12 }), fc.array(step, { maxLength: 200 }), (start, steps) => {
      const minute = new LastMinute();
      const events: number[] = [];
      let now = start;
      for (const { afterMs, isEvent } of steps) {
        now += afterMs;
        if (isEvent) {
          minute.add(now);
          events.push(Math.floor(now / 1000));
        }
        const second = Math.floor(now / 1000);
        expect(minute.count(now)).toBe(events.filter((at) => at > second - 60).length);
      }
    }),
  );
});

test('a clock that is set back does not count what is still to come', () => {
  const minute = new LastMinute();
  minute.add(100_000);
  expect(minute.count(50_000)).toBe(0);
  minute.add(50_000);
  expect(minute.count(50_000)).toBe(1);
});
