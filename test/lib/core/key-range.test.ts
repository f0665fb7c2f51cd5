import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pathBetween, rangesBetween } from '../../../lib/core/key-range.ts';

const segment = fc.stringMatching(/^[a-c0-1é😀]{1,4}$/u);
const path = fc
  .array(segment, { minLength: 2, maxLength: 6 })
  .map((segments) => segments.slice(0, segments.length - (segments.length % 2)).join('/'));

test('ranges between boundaries meet without a gap', () => {
  expect(rangesBetween(['a/1', 'a/5'])).toEqual([
    { from: null, before: 'a/1' },
    { from: 'a/1', before: 'a/5' },
    { from: 'a/5', before: null },
  ]);
  expect(rangesBetween([])).toEqual([{ from: null, before: null }]);
});

test('a path between two is behind the lower one and before the upper one', () => {
  fc.assert(
    fc.property(path, path, (one, other) => {
      const [lower, upper] = compare(one, other) < 0 ? [one, other] : [other, one];
      fc.pre(lower !== upper);
      const between = pathBetween(lower, upper);
      if (between === undefined) return;
      expect(compare(lower, between)).toBeLessThan(0);
      expect(compare(between, upper)).toBeLessThan(0);
      expect(between.split('/').length % 2).toBe(0);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['a/1', 'a/3', 'a/2'],
  ['a/x-1', 'a/x-3', 'a/x-2'],
  ['a/w3/b/9', 'a/w4/b/5', 'a/w4'],
])('between %s and %s is %s', (lower, upper, expected) => {
  const between = pathBetween(lower, upper) ?? '';
  expect(compare(lower, between)).toBeLessThan(0);
  expect(compare(between, upper)).toBeLessThan(0);
  expect(between).toBe(expected);
});

function compare(a: string, b: string): number {
  const [left, right] = [a.split('/'), b.split('/')];
  for (const [place, text] of left.entries()) {
    const order = Buffer.compare(Buffer.from(text), Buffer.from(right[place] ?? ''));
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
