import { expect, test } from 'vitest';
import type { Child } from '../../lib/core/child.ts';
import type { StoreFactory } from './set-aside.ts';

/** What every store of runs must hold of how tasks ended: the children that runs wait for, and failures. */
export function childrenContract(create: StoreFactory): void {
  test('children are open until they have ended, in the order of their ids, and those that failed are counted', async () => {
    const { store, seed } = create();
    const child = (id: string): Child => ({ id, state: 'open', queue: 'q', taskId: id, at: 1 });
    const ids = ['a', 'b', 'c', 'd'];
    await seed(Object.fromEntries(ids.map((id) => [`pageturnerRuns/r1/children/${id}`, child(id)])));
    const open = async (after: string | null, limit: number) =>
      (await store.openChildren('r1', after, limit)).map(({ id }) => id);
    expect(await open(null, 3)).toEqual(['a', 'b', 'c']);
    expect(await open('b', 3)).toEqual(['c', 'd']);
    for (const _ of [1, 2]) {
      await store.endChild({ run: 'r1', child: 'a' });
      await store.endChild({ run: 'r1', child: 'b' }, 'why');
    }
    await store.endChild({ run: 'r1', child: 'a' }, 'too late');
    await store.moveChild({ run: 'r1', child: 'c' }, { taskId: 'next', repeat: 1, at: 5 });
    await store.moveChild({ run: 'r1', child: 'c' }, { taskId: 'later', repeat: 3, at: 6 });
    // Late.
    await store.moveChild({ run: 'r1', child: 'c' }, { taskId: 'next', repeat: 2, at: 7 });
    await store.moveChild({ run: 'r1', child: 'none' }, { taskId: 'next', repeat: 1, at: 5 });
    expect(await store.openChildren('r1', null, 9)).toEqual([
      { ...child('c'), taskId: 'later', repeat: 3, at: 6 },
      child('d'),
    ]);
    expect(await store.countFailedChildren('r1')).toBe(1);
    expect(await store.openChildren('none', null, 9)).toEqual([]);
  });

  test('a failure is recorded once, however often', async () => {
    const { store } = create();
    const failure = { id: 'f', task: 't', params: [[1]], message: 'm', at: 3 };
    await store.recordFailure(failure);
    await store.recordFailure(failure);
    expect((await store.db.doc('pageturnerFailures/f').get()).data()).toMatchObject({
      task: 't',
      message: 'm',
    });
  });
}
