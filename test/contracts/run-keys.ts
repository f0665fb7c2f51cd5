import { beforeEach, describe, expect, test } from 'vitest';
import type { Run } from '../../lib/core/run.ts';
import type { RunStore } from '../../lib/ports.ts';
import { sampleRun } from '../support/runs.ts';

/** What every store of runs must hold about keys. */
export function runKeyContract(create: () => RunStore): void {
  let store: RunStore;

  beforeEach(() => {
    store = create();
  });

  describe('a key', () => {
    const keyed = (id: string): Run => ({ ...sampleRun(), id, key: 'gsoc2026' });
    const end = (id: string, state: 'completed' | 'failed'): Promise<unknown> =>
      store.changeRun(id, ({ run: now }) => ({ run: { ...now, state } }));
    const held = {
      code: 'invalid-state',
      message: expect.stringContaining('Run a of task "walk" has the key'),
    };

    test('is held by one run of its task until that has ended', async () => {
      expect(await store.createRun(keyed('a'))).toBe('created');
      expect(await store.createRun(keyed('a'))).toBe('exists');
      await expect(store.createRun(keyed('b'))).rejects.toMatchObject(held);
      expect(await store.getRun('b')).toBeUndefined();
      expect(await store.createRun({ ...keyed('c'), task: 'other' })).toBe('created');
      await end('a', 'completed');
      expect(await store.createRun(keyed('b'))).toBe('created');
    });

    test('passes to the run that follows, in the same commit', async () => {
      await store.createRun(keyed('a'));
      const follower = keyed('b');
      await store.changeRun('a', ({ run: now }) => ({ run: { ...now, state: 'completed' }, follower }));
      expect((await store.getRun('b'))?.run).toEqual(follower);
      await expect(store.createRun(keyed('c'))).rejects.toMatchObject({
        message: expect.stringContaining('Run b of task "walk" has the key'),
      });
      await end('b', 'completed');
      expect(await store.createRun(keyed('c'))).toBe('created');
    });

    test('does not pass, nor does its holder end, when the run that is to follow exists', async () => {
      await store.createRun(keyed('a'));
      await store.createRun({ ...keyed('b'), key: 'another' });
      const change = store.changeRun('a', ({ run: now }) => ({
        run: { ...now, state: 'completed' },
        follower: keyed('b'),
      }));
      await expect(change).rejects.toThrow();
      expect((await store.getRun('a'))?.run.state).toBe('running');
      await expect(store.createRun(keyed('c'))).rejects.toMatchObject(held);
    });

    test('is needed again by a run that is taken up again', async () => {
      await store.createRun(keyed('b'));
      await end('b', 'failed');
      await store.createRun(keyed('a'));
      const retry = (): Promise<unknown> =>
        store.changeRun('b', ({ run: now }) => ({ run: { ...now, state: 'running' } }));
      await expect(retry()).rejects.toMatchObject(held);
      await end('a', 'completed');
      await retry();
      await expect(store.createRun(keyed('c'))).rejects.toMatchObject({ code: 'invalid-state' });
    });
  });
}
