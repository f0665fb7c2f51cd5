import { expect, test } from 'vitest';
import { newShard } from '../../../lib/core/run.ts';
import { suspected, suspicion, unheard } from '../../../lib/core/suspect.ts';

const shard = newShard(0, 0);
const first = { document: 'things/a', attempts: 1, at: 1_000 };
const limitMs = 60_000;

test('each attempt that has the same document alone is counted', () => {
  expect(suspected(shard, 'things/a', limitMs, 1_000)).toEqual(first);
  const second = suspected({ ...shard, suspect: first }, 'things/a', limitMs, 61_000);
  expect(second).toEqual({ document: 'things/a', attempts: 2, at: 61_000 });
  expect([unheard(first), unheard(second)]).toEqual([0, 1]);
  expect(suspicion(second)).toMatch(/^Nothing was heard of an attempt that had this document alone/);
});

test('one that comes before the time of the last one is over is not: that one may be at work', () => {
  expect(suspected({ ...shard, suspect: first }, 'things/a', limitMs, 60_999)).toBe(first);
});

test('what is known of another document is forgotten', () => {
  expect(suspected({ ...shard, suspect: first }, 'things/b', limitMs, 2_000)).toEqual({
    document: 'things/b',
    attempts: 1,
    at: 2_000,
  });
});
