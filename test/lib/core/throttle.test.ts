import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newShard, type Run } from '../../../lib/core/run.ts';
import type { HistoryEntry } from '../../../lib/core/history.ts';
import {
  faultOfRate,
  faultOfThrottling,
  mostDocuments,
  nextPageAt,
  rampedRate,
  recounted,
  shareOf,
  withRate,
} from '../../../lib/core/throttle.ts';
import { iterativeTask } from '../../../lib/index.ts';
import { base } from '../walk.fixture.ts';
import { sampleRun } from '../../support/runs.ts';

const minute = 60_000;

describe("a shard's share", () => {
  test.each([
    ['is all of the rate where it is alone', { documentsPerSecond: 50 }, 50],
    ['is an equal part', { documentsPerSecond: 50, shards: 4 }, 12.5],
    ['is larger where others are done', { documentsPerSecond: 50, shards: 4, walking: 2 }, 25],
    ['has no bound without a rate', { shards: 4 }, Infinity],
  ])('%s', (_, changes, expected) => {
    expect(shareOf({}, sampleRun(changes), 0)).toBe(expected);
  });

  test('follows the ramp where that is lower, from when the run began to walk, or was last resumed', () => {
    const entry = (event: HistoryEntry['event'], state: Run['state'], at: number): HistoryEntry => ({
      event,
      state,
      at,
      by: 'test',
    });
    const history = [
      entry('prepared', 'running', 0),
      entry('pause', 'pausing', 10 * minute),
      entry('stopped', 'paused', 11 * minute),
      entry('resume', 'running', 60 * minute),
      entry('throttle', 'running', 62 * minute),
      entry('stop-repeating', 'running', 64 * minute),
    ];
    const run = sampleRun({ documentsPerSecond: 700, history });
    const at = (minutes: number): number => shareOf({ ramp: true }, run, minutes * minute);
    expect([at(60), at(64), at(65), at(69), at(70)]).toEqual([500, 500, 700, 700, 700]);
    expect(shareOf({ ramp: true }, { ...run, history: history.slice(0, 1) }, 6 * minute)).toBe(700);
    expect(shareOf({ ramp: false }, run, 60 * minute)).toBe(700);
  });
});

test("Firestore's ramp begins at 500 a second, and allows half as many again every five minutes", () => {
  const at = (minutes: number): number => rampedRate(true, minutes * minute);
  expect([0, 4.9, 5, 10, 15].map(at)).toEqual([500, 500, 750, 1125, 1687.5]);
  expect(rampedRate({ writesPerDocument: 5 }, 0)).toBe(100);
  expect(at(30 * 24 * 60)).toBe(Infinity);
  expect(rampedRate(undefined, 0)).toBe(Infinity);
});

test.each([
  ['a second of the share', 12.9, 12],
  ['one document at least', 0.02, 1],
  ['as many as it likes without a share', Infinity, Infinity],
])('a page has %s', (_, share, expected) => {
  expect(mostDocuments(share)).toBe(expected);
});

describe('the next page', () => {
  test.each([
    ['waits until the share has allowed for the last one', 50, 100, 5_000],
    ['waits a part of a second too', 10, 1, 3_100],
    ['waits for hours where it must', 0.001, 10, 10_003_000],
    ['begins at the later millisecond', 3, 1, 3_334],
    ['begins at once where the last one took longer than that', 50, 2, undefined],
    ['begins at once where there was no document', 0.1, 0, undefined],
    ['begins at once without a share', Infinity, 1_000, undefined],
  ])('%s', (_, share, documents, expected) => {
    expect(nextPageAt(share, documents, 3_000, 3_045)).toBe(expected);
  });
});

/** A shard of a run: how long each page takes until its commit, and how late its task comes. */
const chain = fc.array(fc.record({ tookMs: fc.nat(5_000), lateMs: fc.nat(5_000) }), {
  minLength: 1,
  maxLength: 25,
});

test('whatever pages take, no time sees more documents begin than the rate allows in it, and a page of each shard', () => {
  const property = fc.property(
    fc.double({ min: 0.1, max: 5_000, noNaN: true }),
    fc.integer({ min: 1, max: 1_000 }),
    fc.array(chain, { minLength: 1, maxLength: 5 }),
    fc.array(fc.nat(120_000), { maxLength: 4 }),
    (documentsPerSecond, pageSize, chains, endings) => {
      // A shard ends when the walk is so old or its pages are used up, and its share is the others' from then on.
      const ends = chains.map((_, index) => endings[index] ?? Infinity);
      const run = sampleRun({ documentsPerSecond, shards: chains.length });
      const walkingAt = (at: number): number => Math.max(1, ends.filter((end) => end > at).length);
      let largest = 0;
      const begun = chains.flatMap((pages, index) => {
        let at = 0;
        return pages.flatMap(({ tookMs, lateMs }) => {
          const documents = Math.min(
            pageSize,
            mostDocuments(shareOf({}, { ...run, walking: walkingAt(at) }, at)),
          );
          largest = Math.max(largest, documents);
          const page = { at, documents };
          const commitAt = at + tookMs;
          if (at >= (ends[index] ?? Infinity)) return [];
          const share = shareOf({}, { ...run, walking: walkingAt(commitAt) }, commitAt);
          at = (nextPageAt(share, documents, at, commitAt) ?? commitAt) + lateMs;
          return [page];
        });
      });
      for (const from of begun) {
        for (const to of begun.filter(({ at }) => at >= from.at)) {
          const within = begun.filter(({ at }) => at >= from.at && at <= to.at);
          const documents = within.reduce((sum, page) => sum + page.documents, 0);
          const allowed = (documentsPerSecond * (to.at - from.at)) / 1_000 + largest * chains.length;
          expect(documents).toBeLessThanOrEqual(allowed + 1e-6);
        }
      }
      expect(largest).toBeLessThanOrEqual(Math.max(1, documentsPerSecond));
    },
  );
  fc.assert(property, { numRuns: 200 });
});

test.each([
  [0, 'documentsPerSecond 0: write a number from 0.1 to 1000000; a run that is to stand still is paused'],
  [-5, 'documentsPerSecond -5'],
  [Number.NaN, 'documentsPerSecond NaN'],
  [Infinity, 'documentsPerSecond Infinity'],
  ['50', 'documentsPerSecond "50"'],
])('%s is no rate', (rate, fault) => {
  expect(faultOfRate(rate)).toContain(fault);
});

test.each([[0.1], [50], [1_000_000], [null]])('%s is a rate', (rate) => {
  expect(faultOfRate(rate)).toBeUndefined();
});

test.each([
  [{ documentsPerSecond: 0 }, 'has documentsPerSecond 0'],
  [{ ramp: { writesPerDocument: 0 } }, 'has ramp { writesPerDocument: 0 }: write how many'],
  [{ ramp: { writesPerDocument: 501 } }, 'has ramp { writesPerDocument: 501 }'],
  [{ ramp: {} as never }, 'has ramp { writesPerDocument: undefined }'],
  [{ throttle: 5 as never }, 'has a throttle that is no function: write throttle(ctx) { … }'],
])('a definition with %j is refused', (throttling, fault) => {
  expect(() => iterativeTask({ ...base, ...throttling, page: () => {} })).toThrow(`Task "walk" ${fault}`);
});

test('a definition with a rate, a ramp and a throttle is good', () => {
  const throttling = { documentsPerSecond: 0.1, ramp: { writesPerDocument: 500 }, throttle: () => 1 };
  expect(faultOfThrottling(throttling)).toBeUndefined();
  expect(faultOfThrottling({ ramp: true })).toBeUndefined();
});

describe('a run that is given another rate', () => {
  const cause = { at: 7, by: 'admin@example.com', reason: 'production suffers' };

  test('keeps it, and who gave it and why', () => {
    const run = sampleRun({ documentsPerSecond: 9, epoch: 3 });
    expect(withRate({ run, shards: [] }, 50, cause)?.run).toEqual({
      ...run,
      documentsPerSecond: 50,
      history: [{ event: 'throttle', state: 'running', documentsPerSecond: 50, ...cause }],
    });
    const lifted = withRate({ run, shards: [] }, null, cause)?.run;
    expect(lifted).not.toHaveProperty('documentsPerSecond');
    expect(lifted?.history).toMatchObject([{ documentsPerSecond: null }]);
  });

  test('that is its own already stays as it is', () => {
    expect(withRate({ run: sampleRun({ documentsPerSecond: 9 }), shards: [] }, 9, cause)).toBeUndefined();
    expect(withRate({ run: sampleRun(), shards: [] }, null, cause)).toBeUndefined();
  });

  test('is refused where none of its pages can follow', () => {
    for (const state of ['completed', 'canceled', 'canceling'] as const)
      expect(() => withRate({ run: sampleRun({ state }), shards: [] }, 9, cause)).toThrow(
        `Run r is ${state}`,
      );
  });

  test('keeps the instant at which it failed', () => {
    const run = sampleRun({ state: 'failed', endedAt: 5 });
    expect(withRate({ run, shards: [] }, 9, cause)?.run).toMatchObject({ state: 'failed', endedAt: 5 });
  });
});

describe('the shards that share a rate', () => {
  const shards = [newShard(0, 0), { ...newShard(1, 0), state: 'done' as const }];

  test('are counted anew when one is done', () => {
    const run = sampleRun({ documentsPerSecond: 5, shards: 2 });
    expect(recounted({}, { run, shards })).toEqual({ run: { ...run, walking: 1 }, reliesOn: 'written' });
    expect(recounted({ ramp: true }, { run: sampleRun({ shards: 2 }), shards })?.run?.walking).toBe(1);
  });

  test.each([
    ['nothing is shared', { shards: 2 }],
    ['it is known', { shards: 2, documentsPerSecond: 5, walking: 1 }],
    ['the run does not go on', { shards: 2, documentsPerSecond: 5, state: 'paused' as const }],
  ])('are not written where %s', (_, changes) => {
    expect(recounted({}, { run: sampleRun(changes), shards })).toBeUndefined();
  });
});
