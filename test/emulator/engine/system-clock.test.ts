import { expect, test } from 'vitest';
import { SystemClock } from '../../../emulator/engine/system-clock.ts';

test('no timer fires before its instant, not by a fraction of a millisecond', async () => {
  const clock = new SystemClock();
  const early: number[] = [];
  await Promise.all(
    Array.from({ length: 2000 }, (_, index) => {
      const at = clock.now() + (index % 97) / 7;
      return new Promise<void>((resolve) => {
        clock.at(at, () => {
          if (clock.now() < at) early.push(at - clock.now());
          resolve();
        });
      });
    }),
  );
  expect(early).toEqual([]);
});

test('a clock that starts at an instant shows it, and goes on from there', async () => {
  const clock = new SystemClock(1000);
  expect(clock.now()).toBeGreaterThanOrEqual(1000);
  const firedAt = await new Promise<number>((resolve) => clock.at(1005, () => resolve(clock.now())));
  expect(firedAt).toBeGreaterThanOrEqual(1005);
});

test('a timer that was canceled does not fire', async () => {
  const clock = new SystemClock();
  const now = clock.now();
  for (const at of [now - 1, now + 1]) clock.at(at, () => expect.unreachable('it was canceled')).cancel();
  await new Promise<void>((resolve) => clock.at(now + 3, resolve));
});
