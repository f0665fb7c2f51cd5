import { beforeEach, describe, expect, test } from 'vitest';
import { iterativeTask } from '../../lib/index.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import {
  base,
  db,
  failingAt,
  found,
  nextTurn,
  ports,
  putThings,
  setAside,
  start,
  walkOut,
  type Each,
} from './walk.fixture.ts';

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

  test('is not blamed for those that the documents before it had, and which are through', async () => {
    let left = 4;
    const each: Each = ({ id }) => {
      if (id === 'a' && (left -= 1) >= 0) throw new Error('not yet');
      if (id === 'b') throw new Error('poison');
    };
    const walk = iterativeTask({ ...base, each });
    await start(walk);
    for (let tries = 0; tries < 4; tries += 1)
      await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('not yet');
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
    expect((await found()).run).toMatchObject({ state: 'running' });
  });

  test('leaves the whole budget to what comes before documents, where it is to be set aside', async () => {
    let isFlaky = false;
    const throttle = (): undefined => {
      if (isFlaky) throw new Error('flaky');
    };
    const walk = iterativeTask({
      ...base,
      onError: 'quarantine',
      tries: 10,
      maxFailures: 2,
      throttle,
      each: failingAt('a').each,
    });
    await start(walk);
    for (let tries = 0; tries < 6; tries += 1)
      await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('poison');
    isFlaky = true;
    await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('flaky');
    expect((await found()).shard).toMatchObject({ blamed: { document: null, failures: 1 } });
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('failed');
    expect((await found()).run).toMatchObject({ error: { message: 'flaky' } });
  });

  test('is counted whatever its message is, half a character too', async () => {
    const each: Each = ({ id }) => {
      if (id === 'a') throw new Error('no mail for Zo\u{1f600}'.slice(0, -1));
    };
    const walk = iterativeTask({ ...base, onError: 'quarantine', tries: 2, each });
    await start(walk);
    await walkOut(walk);
    expect(await setAside()).toMatchObject([
      { path: 'things/a', error: { message: 'no mail for Zo\ufffd' } },
    ]);
  });
});
