import { beforeEach, describe, expect, test } from 'vitest';
import { iterativeTask } from '../../lib/index.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { base, db, failingAt, found, nextTurn, ports, putThings, setAside, start } from './walk.fixture.ts';

beforeEach(putThings);

describe('a document that fails', () => {
  test.each(['each', 'page'] as const)(
    'answers in %s for its own failures only, not for those of one that is gone',
    async (handler) => {
      const handlers = failingAt('ab');
      const walk = iterativeTask({
        ...base,
        pageSize: 1,
        onError: 'quarantine',
        ...(handler === 'each' ? { each: handlers.each } : { page: handlers.page }),
      });
      await start(walk);
      for (let tries = 0; tries < 2; tries += 1)
        await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('poison');
      await db.doc('things/a').delete();
      for (let tries = 0; tries < 2; tries += 1)
        await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('poison');
      expect((await found()).shard).toMatchObject({
        failures: 4,
        blamed: { document: 'things/b', failures: 2 },
      });
      expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
      expect(await setAside()).toMatchObject([{ path: 'things/b', attempts: 3 }]);
      expect((await found()).shard).not.toHaveProperty('blamed');
    },
  );

  test('keeps its failures when one that is new stands before it', async () => {
    const walk = iterativeTask({ ...base, onError: 'quarantine', each: failingAt('a').each });
    await start(walk);
    await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('poison');
    await db.doc('things/A').set({ visits: 0 });
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
    expect((await found()).shard).toMatchObject({
      processed: 1,
      failures: 1,
      blamed: { document: 'things/a', failures: 2 },
    });
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
    expect(await setAside()).toMatchObject([{ path: 'things/a', attempts: 3 }]);
  });
});
