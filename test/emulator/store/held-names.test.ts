import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HeldNames } from '../../../emulator/store/held-names.ts';

test('a name is held until the instant that was said last, whatever was held meanwhile', () => {
  const steps = fc.array(
    fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), waitMs: fc.nat(5), holdMs: fc.nat(20) }),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(steps, (steps) => {
      const names = new HeldNames();
      const freeAt = new Map<string, number>();
      let now = 0;
      for (const { name, waitMs, holdMs } of steps) {
        now += waitMs;
        names.hold(name, { at: now, nameFreeAt: now + holdMs });
        freeAt.set(name, now + holdMs);
        for (const each of ['a', 'b', 'c', 'd']) {
          for (const ahead of [0, 1, 10]) {
            expect(names.has(each, now + ahead)).toBe((freeAt.get(each) ?? 0) > now + ahead);
          }
        }
      }
    }),
  );
});

test('a name that is given up as free at once is no longer held', () => {
  const names = new HeldNames();
  names.hold('a', { at: 0, nameFreeAt: 100 });
  names.hold('a', { at: 1, nameFreeAt: 1 });
  expect(names.has('a', 1)).toBe(false);
});

test('what is long free leaves no trace', () => {
  const names = new HeldNames();
  names.hold('a', { at: 0, nameFreeAt: 10 });
  for (const at of [20, 40, 60]) names.hold('b', { at, nameFreeAt: at + 10 });
  // Asked about the past, it no longer knows.
  expect(names.has('a', 5)).toBe(false);
});
