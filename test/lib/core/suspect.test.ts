import { expect, test } from 'vitest';
import { newShard } from '../../../lib/core/run.ts';
import { suspected, suspicion, unheard } from '../../../lib/core/suspect.ts';

const shard = newShard(0, 0);

test('each attempt that has the same document alone is counted', () => {
  const first = suspected(shard, 'things/a', { retries: 4 });
  const second = suspected({ ...shard, suspect: first }, 'things/a', { retries: 6 });
  expect([unheard(first), unheard(second)]).toEqual([0, 1]);
  expect(suspicion(second, 7)).toMatchObject({
    message: expect.stringMatching(/^Nothing was heard of an attempt that had this document alone/),
    document: 'things/a',
    at: 7,
  });
});

test('a duplicate of the attempt that is kept, and one that came before it, are not counted', () => {
  const suspect = suspected(shard, 'things/a', { retries: 4 });
  for (const retries of [3, 4])
    expect(suspected({ ...shard, suspect }, 'things/a', { retries })).toBe(suspect);
});

test('the first attempt after the chain was begun anew is another one', () => {
  const suspect = suspected(shard, 'things/a', { retries: 4 });
  const after = suspected({ ...shard, epoch: 1, suspect }, 'things/a', { retries: 0 });
  expect(after).toEqual({ document: 'things/a', attempts: 2, epoch: 1, retries: 0 });
});

test('what is known of another document is forgotten', () => {
  const suspect = suspected(shard, 'things/a', { retries: 4 });
  expect(suspected({ ...shard, suspect }, 'things/b', { retries: 5 })).toMatchObject({
    document: 'things/b',
    attempts: 1,
  });
});
