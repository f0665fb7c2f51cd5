import { FieldValue } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { iterativeTask, task } from '../../lib/index.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { attempt } from '../support/attempts.ts';
import { changed } from '../support/changed.ts';
import type { TestPorts } from '../support/test-runtime.ts';
import {
  base,
  allVisitedOnce,
  db,
  found,
  nextTurn,
  ports,
  putThings,
  setAside,
  start,
  usePorts,
  visit,
  visits,
  walkOut,
  type Each,
  type Page,
} from './walk.fixture.ts';

beforeEach(putThings);

describe('time', () => {
  /** A clock that stands still, and jumps when told. */
  function heldClock(): {
    now: () => number;
    after: TestPorts['clock']['after'];
    pass: (ms: number) => void;
  } {
    let now = 1_700_000_000_000;
    const timers = new Map<() => void, number>();
    return {
      now: () => now,
      after(delayMs, fire) {
        timers.set(fire, now + delayMs);
        return () => void timers.delete(fire);
      },
      pass(ms) {
        now += ms;
        for (const [fire, at] of timers) if (at <= now && timers.delete(fire)) fire();
      },
    };
  }

  test('that is not enough for another document commits those that were handled, and goes on', async () => {
    const clock = heldClock();
    usePorts({ clock });
    const each: Each = (document, ctx) => {
      void visit(document, ctx);
      clock.pass(20_000);
    };
    const walk = iterativeTask({ ...base, each });
    await start(walk);
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
    // 54 s are enough for two of 20 s each, and not for a third.
    expect(await visits()).toBe('a1 b1 c0 d0 e0 f0 g0 h0');
    expect((await found()).shard).toMatchObject({ pageSize: 2, failures: 0 });
    await walkOut(walk);
    expect(await visits()).toBe(allVisitedOnce);
  });

  test('that is over in the middle of a document commits those before it', async () => {
    const clock = heldClock();
    usePorts({ clock });
    const each: Each = async (document, ctx) => {
      void visit(document, ctx);
      if (document.id !== 'c') return;
      clock.pass(60_000);
      await new Promise(() => {});
    };
    const walk = iterativeTask({ ...base, each });
    await start(walk);
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
    expect(await visits()).toBe('a1 b1 c0 d0 e0 f0 g0 h0');
    expect((await found()).shard).toMatchObject({ failures: 0, lastError: { document: 'things/c' } });
  });

  test('that is over in a page commits nothing, and the next attempt has half of the documents', async () => {
    const clock = heldClock();
    usePorts({ clock });
    const sizes: number[] = [];
    const page: Page = async (documents, ctx) => {
      sizes.push(documents.length);
      for (const document of documents) void visit(document, ctx);
      clock.pass(documents.length * 20_000);
      await Promise.resolve();
    };
    const walk = iterativeTask({ ...base, maxFailures: 1, page });
    await start(walk);
    await expect(takeTurn(walk, nextTurn(), ports)).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect(await visits()).toBe('a0 b0 c0 d0 e0 f0 g0 h0');
    await walkOut(walk);
    expect(sizes).toEqual([8, 4, 2, 2, 2, 2]);
    expect(await visits()).toBe(allVisitedOnce);
  });

  test('makes the pages of a task with bounds larger and smaller', async () => {
    const clock = heldClock();
    usePorts({ clock });
    const sizes: number[] = [];
    const page: Page = (documents) => {
      sizes.push(documents.length);
      clock.pass(documents.length * 5_000);
    };
    const walk = iterativeTask({ ...base, pageSize: { min: 1, max: 5, seconds: 15 }, page });
    await start(walk);
    await walkOut(walk);
    expect(sizes).toEqual([1, 2, 3, 2]);
  });
});

describe('a commit beyond the limits of Firestore', () => {
  const text = 'x'.repeat(300_000);

  test('is split and tried again in the same delivery', async () => {
    const page: Page = (documents, ctx) => {
      for (const document of documents) {
        void visit(document, ctx);
        for (const part of [1, 2, 3]) ctx.set(db.doc(`large/${document.id}${part}`), { text });
      }
    };
    const walk = iterativeTask({ ...base, maxFailures: 1, page });
    await start(walk);
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
    expect(await visits()).toBe('a1 b1 c1 d1 e0 f0 g0 h0');
    expect(await walkOut(walk)).not.toContain('failed');
    expect(await visits()).toBe(allVisitedOnce);
  });

  test('by what it has to enqueue is split as well', async () => {
    const big = task({
      name: 'big',
      queue: 'children',
      params: z.object({ text: z.string() }),
      run: () => {},
    });
    const each: Each = (document, ctx) => {
      ctx.update(document.ref, { visits: FieldValue.increment(1) });
      ctx.start(big, { text });
    };
    const walk = iterativeTask({ ...base, maxFailures: 1, each });
    await start(walk);
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
    expect(await visits()).toBe('a1 b1 c0 d0 e0 f0 g0 h0');
  });

  test('by one document is a failure that says which', async () => {
    const each: Each = (document, ctx) => {
      void visit(document, ctx);
      if (document.id === 'b') ctx.set(db.doc('large/b'), { text: text.repeat(4) });
    };
    const walk = iterativeTask({ ...base, onError: 'quarantine', tries: 1, each });
    await start(walk);
    await walkOut(walk);
    expect(await visits()).toBe('a1 b0 c1 d1 e1 f1 g1 h1');
    expect(await setAside()).toMatchObject([
      { path: 'things/b', error: { message: expect.stringContaining('longer than 1048487 bytes') } },
    ]);
  });
});

describe('memory', () => {
  /** The sizes of the pages that a task is given by attempts of which those die that are said to. */
  async function sizesOf(
    attempts: readonly { readonly retries: number; readonly dies: boolean }[],
  ): Promise<number[]> {
    const sizes: number[] = [];
    const walk = iterativeTask({ ...base, pageSize: 8, page: ({ length }) => void sizes.push(length) });
    await start(walk);
    const turn = nextTurn();
    const died = Object.assign(new Error('died'), { code: 14, details: 'died' });
    const dead = changed(ports.store, { commitTurn: () => Promise.reject(died) });
    for (const { retries, dies } of attempts) {
      const taking = takeTurn(walk, turn, dies ? { ...ports, store: dead } : ports, attempt(retries));
      await (dies ? expect(taking).rejects.toThrow('died') : taking);
    }
    return sizes;
  }

  test('that a worker may have died of halves the page from the third time on that nothing was heard', async () => {
    const attempts = [0, 1, 2, 3, 4].map((retries) => ({ retries, dies: true }));
    expect(await sizesOf([...attempts, { retries: 5, dies: false }])).toEqual([8, 8, 8, 4, 2, 1]);
    expect((await found()).shard).toMatchObject({ turn: 1, processed: 1, pageSize: 2 });
    expect((await found()).shard).not.toHaveProperty('lastWord');
  });

  test('is not what an attempt died of that kept why it failed, and its page stays as small as it was', async () => {
    const walk = iterativeTask({
      ...base,
      pageSize: 8,
      page() {
        throw Object.assign(new Error('away'), { code: 14, details: 'away' });
      },
    });
    await start(walk);
    const taking = takeTurn(walk, nextTurn(), ports, attempt(4));
    await expect(taking).rejects.toThrow('away');
    expect((await found()).shard).toMatchObject({ pageSize: 2, lastWord: { epoch: 0, retries: 4 } });
  });

  test('that the documents of a page take bounds the next one', async () => {
    const sizes: number[] = [];
    const walk = iterativeTask({ ...base, pageSize: 3, page: ({ length }) => void sizes.push(length) });
    const { store } = ports;
    usePorts({
      store: changed(store, {
        readPage: async (...given) => ({ ...(await store.readPage(...given)), most: 2 }),
      }),
    });
    await start(walk);
    await walkOut(walk);
    expect(sizes).toEqual([3, 2, 2, 1]);
  });
});
