import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  faultOfPageSize,
  firstPageSize,
  hasTimeForAnother,
  pageSizeAfter,
  smallerPage,
  type PageSize,
} from '../../../lib/core/page-size.ts';

const limitMs = 54_000;
const bounds = { min: 10, max: 500, seconds: 10 };

describe('a fixed page size', () => {
  test('stays, however long a page takes', () => {
    for (const tookMs of [1, 53_000]) {
      expect(pageSizeAfter(100, 100, { documents: 100, tookMs, limitMs })).toBe(100);
    }
  });

  test('that a failure has made smaller grows back by a quarter a page', () => {
    const sizes = [1];
    while ((sizes.at(-1) ?? 100) < 100 && sizes.length < 99) {
      const size = sizes.at(-1) ?? 0;
      sizes.push(pageSizeAfter(100, size, { documents: size, tookMs: 10, limitMs }));
    }
    expect(sizes.slice(0, 9)).toEqual([1, 2, 3, 4, 5, 7, 9, 12, 15]);
    expect(sizes.at(-1)).toBe(100);
  });

  test('that is smaller because pages are slow stays so', () => {
    expect(pageSizeAfter(100, 50, { documents: 50, tookMs: 25_000, limitMs })).toBe(50);
  });

  test('is no more than fits into memory, and grows back to that', () => {
    expect(pageSizeAfter(100, 100, { documents: 100, tookMs: 10, limitMs, most: 30 })).toBe(30);
    expect(pageSizeAfter(100, 28, { documents: 28, tookMs: 10, limitMs, most: 30 })).toBe(30);
    expect(pageSizeAfter(100, 100, { documents: 100, tookMs: 10, limitMs, most: 0 })).toBe(1);
  });

  test('follows a definition that has become smaller', () => {
    expect(pageSizeAfter(20, 100, { documents: 100, tookMs: 10, limitMs })).toBe(20);
  });
});

describe('a page size between bounds', () => {
  test('begins at the least', () => {
    expect(firstPageSize(bounds)).toBe(10);
    expect(firstPageSize(100)).toBe(100);
  });

  test.each([
    ['at most doubles', 10, { documents: 10, tookMs: 5 }, 20],
    ['at most halves', 400, { documents: 400, tookMs: 50_000 }, 200],
    ['goes to what fits', 100, { documents: 100, tookMs: 8_000 }, 125],
    ['stays below the most', 400, { documents: 400, tookMs: 100 }, 500],
    ['goes below the least where no more fit into memory', 12, { documents: 12, tookMs: 1_000, most: 4 }, 4],
    ['stays above the least', 12, { documents: 12, tookMs: 50_000 }, 10],
    [
      'follows the documents that were handled when a page was cut short',
      100,
      { documents: 40, tookMs: 5_000 },
      80,
    ],
  ])('%s', (_, size, page, expected) => {
    expect(pageSizeAfter(bounds, size, { ...page, limitMs })).toBe(expected);
  });

  test('comes to the target time and stays there, whatever a document takes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 21, max: 999 }), (msPerDocument) => {
        let size = firstPageSize(bounds);
        for (let page = 0; page < 12; page += 1) {
          size = pageSizeAfter(bounds, size, { documents: size, tookMs: size * msPerDocument, limitMs });
        }
        expect(Math.abs(size * msPerDocument - 10_000)).toBeLessThanOrEqual(msPerDocument);
      }),
    );
  });
});

test('the next size is a whole number from 1 to the most, whatever happened', () => {
  const sizes: fc.Arbitrary<PageSize> = fc.oneof(fc.integer({ min: 1, max: 1000 }), fc.constant(bounds));
  const page = fc.record({
    documents: fc.nat(1000),
    tookMs: fc.nat(2_000_000),
    limitMs: fc.constant(limitMs),
  });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 1000 }), page, (size, current, taken) => {
      const next = pageSizeAfter(size, current, taken);
      expect(Number.isInteger(next)).toBe(true);
      expect(next).toBeGreaterThanOrEqual(1);
      expect(next).toBeLessThanOrEqual(typeof size === 'number' ? size : size.max);
    }),
  );
});

test('half of a page is at least one document', () => {
  expect([100, 3, 2, 1].map(smallerPage)).toEqual([50, 1, 1, 1]);
});

test('there is time for another document while the slowest one would still fit', () => {
  expect(hasTimeForAnother(5_000, 4_999)).toBe(true);
  expect(hasTimeForAnother(5_000, 5_001)).toBe(false);
  expect(hasTimeForAnother(0, 0)).toBe(false);
});

test.each<[PageSize, string | undefined]>([
  [100, undefined],
  [bounds, undefined],
  [0, 'has pageSize 0: write a whole number from 1 to 1000'],
  [
    { ...bounds, min: 600 },
    'has pageSize { min: 600, max: 500 }: write whole numbers from 1 to 1000, min not above max',
  ],
  [
    { ...bounds, seconds: 0 },
    'has pageSize { seconds: 0 }: write how long a page is to take, above 0 and at most 1800',
  ],
])('of page size %j it says: %s', (size, fault) => {
  expect(faultOfPageSize(size)).toBe(fault);
});
