import type { Timestamp } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { clocksDifferByMs } from '../../lib/core/clocks.ts';
import { iterativeTask, pauseRun } from '../../lib/index.ts';
import { attempt } from '../support/attempts.ts';
import { changed } from '../support/changed.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import {
  base,
  allVisitedOnce,
  db,
  failingAt,
  found,
  holdClock,
  nextTurn,
  ports,
  putThings,
  start,
  visit,
  visits,
  walkOut,
  type Each,
  type Page,
} from './walk.fixture.ts';

beforeEach(putThings);

describe('an exclusive task', () => {
  const exclusive = { ...base, exclusive: true, pageSize: 4 };

  test('holds its shard from before the handler is called until the commit, under a number that grows', async () => {
    const tokens: unknown[] = [];
    const page: Page = async (documents, ctx) => {
      tokens.push(ctx.fencingToken);
      expect((await found()).shard).toMatchObject({
        fencingToken: ctx.fencingToken,
        heldUntil: expect.anything(),
      });
      for (const document of documents) void visit(document, ctx);
    };
    const walk = iterativeTask({ ...exclusive, page });
    await start(walk);
    await walkOut(walk);
    expect(tokens).toEqual([1, 2]);
    expect(await visits()).toBe(allVisitedOnce);
    expect((await found()).shard).not.toHaveProperty('heldUntil');
  });

  /** A delivery whose handler is at work until it is released. */
  async function heldTurn() {
    const called = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    let calls = 0;
    const page: Page = async (documents, ctx) => {
      calls += 1;
      for (const document of documents) void visit(document, ctx);
      called.resolve();
      await released.promise;
    };
    const walk = iterativeTask({ ...exclusive, page });
    await start(walk);
    const delivery = nextTurn();
    const outcome = takeTurn(walk, delivery, ports);
    await called.promise;
    return { walk, page, delivery, outcome, release: () => released.resolve(), calls: () => calls };
  }

  test('sends another delivery back to wait, which disturbs nothing', async () => {
    const { walk, delivery, outcome, release, calls } = await heldTurn();
    await expect(takeTurn(walk, delivery, ports)).rejects.toMatchObject({ code: 'held' });
    release();
    expect(await outcome).toBe('committed');
    expect(calls()).toBe(1);
  });

  test('sends another task behind the lease where the queue would not deliver the one again', async () => {
    const { walk, delivery, outcome, release, calls } = await heldTurn();
    const heldUntil = (await found()).shard['heldUntil'] as Timestamp;
    const last = attempt(4, { isLast: async () => true });
    expect(await takeTurn(walk, delivery, ports, last)).toBe('waiting');
    const following = ports.queue.tasks.at(-1);
    expect(following).toMatchObject({
      at: heldUntil.toMillis() + clocksDifferByMs,
      delivery: { ...delivery, attemptsBefore: 5 },
    });
    // Nothing of it comes twice.
    expect(await takeTurn(walk, delivery, ports, last)).toBe('waiting');
    expect(ports.queue.tasks.at(-1)).toEqual(following);
    release();
    expect(await outcome).toBe('committed');
    expect(calls()).toBe(1);
    if (following?.delivery.kind !== 'turn') expect.fail('no turn follows');
    expect(await takeTurn(walk, following.delivery, ports, attempt(0))).toBe('replayed');
  });

  test('whose worker has died goes on with the task behind its lease, and its page has been tried as often', async () => {
    const clock = holdClock();
    const walk = iterativeTask({ ...exclusive, each: visit });
    await start(walk);
    const delivery = nextTurn();
    const dead = changed(ports.store, { commitTurn: () => new Promise(() => {}) });
    void takeTurn(walk, delivery, { ...ports, store: dead }, attempt(0));
    await vi.waitFor(async () => expect((await found()).shard).toHaveProperty('heldUntil'));
    expect(await takeTurn(walk, delivery, ports, attempt(4, { isLast: async () => true }))).toBe('waiting');
    clock.ms += walk.timeoutSeconds * 1000;
    // Five attempts were before it, and two of those that are not heard of are spared.
    expect(await takeTurn(walk, nextTurn(), ports, attempt(0))).toBe('committed');
    expect((await found()).shard).toMatchObject({ processed: 1 });
    await walkOut(walk);
    expect(await visits()).toBe(allVisitedOnce);
  });

  test('is not parked by a duplicate while it is held: a pause lets the page take effect', async () => {
    const { walk, delivery, outcome, release, calls } = await heldTurn();
    await pauseRun('r', {}, ports);
    await expect(takeTurn(walk, delivery, ports)).rejects.toMatchObject({ code: 'held' });
    release();
    expect(await outcome).toBe('committed');
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('parked');
    expect((await found()).run).toMatchObject({ state: 'paused' });
    expect(calls()).toBe(1);
    expect(await visits()).toBe('a1 b1 c1 d1 e0 f0 g0 h0');
  });

  test('is not parked by a delivery that looked at it before it was held', async () => {
    const called = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const walk = iterativeTask({
      ...exclusive,
      page: async () => {
        called.resolve();
        await released.promise;
      },
    });
    await start(walk);
    const delivery = nextTurn();
    const hasLooked = Promise.withResolvers<void>();
    const isToHold = Promise.withResolvers<void>();
    const slow = changed(ports.store, {
      async holdTurn(...args) {
        isToHold.resolve();
        await hasLooked.promise;
        return await ports.store.holdTurn(...args);
      },
    });
    const outcome = takeTurn(walk, delivery, { ...ports, store: slow });
    await isToHold.promise;
    await pauseRun('r', {}, ports);
    const late = changed(ports.store, {
      async changeRun(...args) {
        hasLooked.resolve();
        await called.promise;
        return await ports.store.changeRun(...args);
      },
    });
    await expect(takeTurn(walk, delivery, { ...ports, store: late })).rejects.toMatchObject({ code: 'held' });
    released.resolve();
    expect(await outcome).toBe('committed');
  });

  test('is not let go by another delivery that cannot even read the page', async () => {
    const { page, delivery, outcome, release } = await heldTurn();
    const unreadable = iterativeTask({
      ...exclusive,
      page,
      query: () => {
        throw new Error('no query');
      },
    });
    await expect(takeTurn(unreadable, delivery, ports)).rejects.toMatchObject({ code: 'held' });
    expect((await found()).shard).toMatchObject({
      fencingToken: 1,
      heldUntil: expect.anything(),
      failures: 0,
    });
    release();
    expect(await outcome).toBe('committed');
  });

  test('is not handled any more when its lease came after the time of its handler', async () => {
    let calls = 0;
    const walk = iterativeTask({ ...exclusive, page: () => void (calls += 1) });
    await start(walk);
    const over: (() => void)[] = [];
    const slow = {
      ...ports,
      clock: { now: () => Date.now(), after: (_: number, fire: () => void) => (over.push(fire), () => {}) },
      store: changed(ports.store, {
        async holdTurn(run, before, after) {
          const held = await ports.store.holdTurn(run, before, after);
          for (const fire of over) fire();
          return held;
        },
      }),
    };
    await expect(takeTurn(walk, nextTurn(), slow)).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect(calls).toBe(0);
    expect((await found()).shard).not.toHaveProperty('heldUntil');
  });

  test('lets the next delivery in when the lease has expired, and the one that had it cannot commit', async () => {
    const called = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const tokens: unknown[] = [];
    const page: Page = async (documents, ctx) => {
      tokens.push(ctx.fencingToken);
      for (const document of documents) void visit(document, ctx);
      if (tokens.length > 1) return;
      called.resolve();
      await released.promise;
    };
    const walk = iterativeTask({ ...exclusive, page });
    await start(walk);
    const delivery = nextTurn();
    const first = takeTurn(walk, delivery, ports);
    await called.promise;
    const later = { ...ports, clock: { ...ports.clock, now: () => Date.now() + 61_000 } };
    expect(await takeTurn(walk, delivery, later)).toBe('committed');
    released.resolve();
    expect(await first).toBe('replayed');
    expect(tokens).toEqual([1, 2]);
    expect(await visits()).toBe('a1 b1 c1 d1 e0 f0 g0 h0');
  });

  test('gives its lease back when it fails', async () => {
    const walk = iterativeTask({ ...exclusive, page: failingAt('a').page });
    await start(walk);
    await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('poison');
    expect((await found()).shard).toMatchObject({ fencingToken: 1, failures: 1 });
    expect((await found()).shard).not.toHaveProperty('heldUntil');
  });

  test('that two deliveries begin at the same time is handled by one of them', async () => {
    let calls = 0;
    const walk = iterativeTask({ ...exclusive, page: () => void (calls += 1) });
    await start(walk);
    const delivery = nextTurn();
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => takeTurn(walk, delivery, ports)));
    expect(calls).toBe(1);
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(2);
  });
});

describe('the idempotency key', () => {
  test('is that of the document in each, whatever page it comes in', async () => {
    const keys = new Map<string, Set<string>>();
    const each: Each = (document, ctx) => {
      keys.set(document.id, (keys.get(document.id) ?? new Set()).add(ctx.idempotencyKey));
      if (document.id === 'd') throw new Error('poison');
    };
    const walk = iterativeTask({ ...base, onError: 'quarantine', each });
    await start(walk);
    await walkOut(walk);
    expect([...keys.values()].map(({ size }) => size)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect(new Set([...keys.values()].flatMap((set) => [...set])).size).toBe(8);
  });

  test('of a page is another one when the page has other documents', async () => {
    const keys = new Map<string, number>();
    const page: Page = (documents, ctx) => {
      const known = keys.get(ctx.idempotencyKey);
      if (known !== undefined) expect(documents).toHaveLength(known);
      keys.set(ctx.idempotencyKey, documents.length);
      if (documents.length > 2) throw new Error('too many');
    };
    const walk = iterativeTask({ ...base, page });
    await start(walk);
    await walkOut(walk);
    expect(keys.size).toBeGreaterThan(4);
  });

  test('of a page is another one when it has as many documents, and not the same', async () => {
    const seen: string[][] = [];
    const page: Page = (documents, ctx) => {
      seen.push([documents.map(({ id }) => id).join(''), ctx.idempotencyKey]);
      throw Object.assign(new Error('gone'), { code: 14, details: 'gone' });
    };
    const walk = iterativeTask({ ...base, pageSize: 2, page });
    await start(walk);
    for (let tries = 0; tries < 2; tries += 1)
      await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('gone');
    await db.doc('things/b').delete();
    await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('gone');
    expect(seen.map(([ids]) => ids)).toEqual(['ab', 'ab', 'ac']);
    expect(new Set(seen.map(([, key]) => key)).size).toBe(2);
  });
});
