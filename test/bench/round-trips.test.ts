import { expect, test } from 'vitest';
import { roundTripsPerPage } from '../../bench/round-trips.ts';

test('a page costs one read of run and shard, one query, one commit and one enqueue, and nothing more', async () => {
  expect(await roundTripsPerPage(10)).toEqual({
    BatchGetDocuments: 1,
    RunQuery: 1,
    Commit: 1,
    CreateTask: 1,
  });
});
