import { expect, test } from 'vitest';
import { lacksShards, newShard } from '../../../lib/core/run.ts';
import { plainly, readRun } from '../../../lib/firestore/read-run.ts';
import { FirestoreRunStore } from '../../../lib/firestore/run-store.ts';
import { testFirestore } from '../../support/firestore.ts';
import { sampleRun } from '../../support/runs.ts';

test('a run that is prepared while it is read is read with its shards', async () => {
  const db = testFirestore();
  const store = new FirestoreRunStore(db);
  await store.createRun(sampleRun({ shards: 2, state: 'starting' }));
  const shardsAreRead = Promise.withResolvers<void>();
  const found = await readRun(db, 'r', {
    document: async (ref) => {
      await shardsAreRead.promise;
      await store.changeRun('r', ({ run }) =>
        run.state === 'starting'
          ? {
              run: { ...run, state: 'running', boundaries: ['things/m'] },
              shards: [newShard(0, 1), newShard(1, 1)],
            }
          : undefined,
      );
      return await plainly.document(ref);
    },
    query: async (query) => {
      const shards = await plainly.query(query);
      shardsAreRead.resolve();
      return shards;
    },
  });
  expect(found?.records).toMatchObject({ run: { state: 'running' }, shards: [{ index: 0 }, { index: 1 }] });
});

test('a shard that a retry adds between two reads is missed, too', () => {
  const done = { ...newShard(0, 0), state: 'done' as const };
  expect(lacksShards({ run: sampleRun({ shards: 2 }), shards: [done] })).toBe(true);
  expect(lacksShards({ run: sampleRun({ shards: 2 }), shards: [done, newShard(1, 0)] })).toBe(false);
});
