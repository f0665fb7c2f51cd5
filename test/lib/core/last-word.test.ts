import { expect, test } from 'vitest';
import { halvings, wordCarriedOn, wordOfDead } from '../../../lib/core/last-word.ts';
import { newShard, type Shard } from '../../../lib/core/run.ts';

const shard = { ...newShard(0, 0), epoch: 3 };

test.each([
  [0, 0],
  [1, 0],
  [2, 0],
  [3, 1],
  [6, 4],
])('an attempt after %i that kept nothing halves its page %i times', (retries, expected) => {
  expect(halvings(shard, { retries, previousStatus: 500 })).toBe(expected);
});

test('an attempt that kept why it failed begins the count anew, unless the chain was begun anew since', () => {
  const lastWord = { epoch: 3, retries: 4 };
  const at = (retries: number): number => halvings({ ...shard, lastWord }, { retries });
  expect([3, 6, 7, 8, 9].map(at)).toEqual([0, 0, 0, 1, 2]);
  expect(halvings({ ...shard, epoch: 4, lastWord }, { retries: 3 })).toBe(1);
});

test('an attempt that the platform had no worker for is no sign', () => {
  expect(halvings(shard, { retries: 9, previousStatus: 429 })).toBe(0);
  expect(halvings(shard, undefined)).toBe(0);
});

test('each time that a chain was found dead halves its page once, on top of its retries', () => {
  const once = { ...shard, epoch: 4, lastWord: wordOfDead(shard, 4) };
  const twice = { ...once, epoch: 5, lastWord: wordOfDead(once, 5) };
  expect([halvings(once, { retries: 0 }), halvings(once, { retries: 1 })]).toEqual([1, 2]);
  expect([halvings(twice, { retries: 0 }), halvings(twice, { retries: 1 })]).toEqual([2, 3]);
  const heard = { ...twice, lastWord: { epoch: 5, retries: 7 } };
  expect(halvings({ ...heard, epoch: 6, lastWord: wordOfDead(heard, 6) }, { retries: 0 })).toBe(1);
});

test('a turn that goes on as another task takes the attempts with it that were not heard of', () => {
  const carried = (retries: number, from: Shard): number =>
    halvings({ ...from, epoch: from.epoch + 1, ...wordCarriedOn(from, { retries }) }, { retries: 0 });
  expect([1, 2, 3, 4].map((retries) => carried(retries, shard))).toEqual([0, 0, 1, 2]);
  const heard = { ...shard, lastWord: { epoch: 3, retries: 4 } };
  expect(wordCarriedOn(heard, { retries: 5 })).toEqual({});
  expect(carried(8, heard)).toBe(1);
});
