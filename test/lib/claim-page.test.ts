import { beforeEach, describe, expect, test } from 'vitest';
import type { IterativeTask } from '../../lib/core/definition.ts';
import { healRuns, iterativeTask, pauseRun } from '../../lib/index.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { attempt } from '../support/attempts.ts';
import { changed } from '../support/changed.ts';
import type { HeldClock } from '../support/memory-ports.ts';
import {
  base,
  found,
  holdClock,
  nextTurn,
  ports,
  putThings,
  setAside,
  start,
  visit,
  visits,
  type Each,
} from './walk.fixture.ts';

let clock: HeldClock;

beforeEach(async () => {
  await putThings();
  clock = holdClock();
});

const timeoutMs = 60_000;

/** An attempt whose worker dies before anything that its page came to is written; its time passes. */
async function die(walk: IterativeTask, retries: number): Promise<void> {
  const died = Object.assign(new Error('died'), { code: 14, details: 'died' });
  const store = changed(ports.store, { commitTurn: () => Promise.reject(died) });
  await expect(takeTurn(walk, nextTurn(), { ...ports, store }, attempt(retries))).rejects.toThrow('died');
  clock.ms += timeoutMs;
}

/** Attempts whose workers die, up to the one that has `things/a` alone for the first time, and it. */
async function dieUntilAlone(walk: IterativeTask): Promise<void> {
  for (const retries of [0, 1, 2, 3, 4, 5]) await die(walk, retries);
}

describe('a document of which worker after worker dies', () => {
  const handled: string[] = [];
  const each: Each = (document, ctx) => {
    handled.push(document.id);
    void visit(document, ctx);
  };
  const definition = { ...base, pageSize: 8, each } as const;

  beforeEach(() => void handled.splice(0));

  test('is set aside after `tries` attempts that had it alone, and its handler is not called again', async () => {
    const walk = iterativeTask({ ...definition, onError: 'quarantine' });
    await start(walk);
    await dieUntilAlone(walk);
    for (const retries of [6, 7]) await die(walk, retries);
    handled.splice(0);
    expect(await takeTurn(walk, nextTurn(), ports, attempt(8))).toBe('committed');
    expect(handled).toEqual([]);
    const message = expect.stringContaining('Nothing was heard of 3 attempts');
    expect(await setAside()).toMatchObject([{ path: 'things/a', attempts: 3, error: { message } }]);
    const { shard } = await found();
    expect(shard).toMatchObject({ turn: 1, processed: 0, quarantined: 1, failures: 0 });
    expect(shard).not.toHaveProperty('suspect');
    expect(await takeTurn(walk, nextTurn(), ports, attempt(0))).toBe('committed');
    expect(handled).toEqual(['b', 'c']);
  });

  test('ends the run where no more may be set aside', async () => {
    const policy = { onError: 'quarantine', tries: 1, maxQuarantined: 1 } as const;
    const walk = iterativeTask({ ...definition, pageSize: 1, ...policy });
    await start(walk);
    for (const end of ['committed', 'failed']) {
      for (const retries of [0, 1, 2, 3, 4, 5]) await die(walk, retries);
      expect(await takeTurn(walk, nextTurn(), ports, attempt(6))).toBe(end);
    }
    expect((await found()).run).toMatchObject({ state: 'failed', error: { document: 'things/b' } });
  });

  test('comes again where nothing is to be set aside, and the shard says which it is', async () => {
    const walk = iterativeTask(definition);
    await start(walk);
    await dieUntilAlone(walk);
    expect((await found()).shard).not.toHaveProperty('lastError');
    for (const retries of [6, 7, 8, 9, 10]) await die(walk, retries);
    const message = expect.stringContaining('Nothing was heard of 5 attempts');
    const suspect = { document: 'things/a', attempts: 6 };
    expect((await found()).shard).toMatchObject({ suspect, lastError: { message, document: 'things/a' } });
    expect(await takeTurn(walk, nextTurn(), ports, attempt(11))).toBe('committed');
    const { shard } = await found();
    expect(shard).toMatchObject({ processed: 1, failures: 0 });
    for (const gone of ['suspect', 'lastError']) expect(shard).not.toHaveProperty(gone);
  });

  test('is not suspected any more once an attempt is heard of', async () => {
    let isPoison = false;
    const walk = iterativeTask({
      ...definition,
      onError: 'quarantine',
      each() {
        if (isPoison) throw new Error('poison');
      },
    });
    await start(walk);
    await dieUntilAlone(walk);
    await die(walk, 6);
    isPoison = true;
    await expect(takeTurn(walk, nextTurn(), ports, attempt(7))).rejects.toThrow('poison');
    const { shard } = await found();
    expect(shard).toMatchObject({ failures: 1, lastError: { message: 'poison' } });
    expect(shard).not.toHaveProperty('suspect');
  });

  test('is still suspected when the healer has begun the chain anew', async () => {
    const walk = iterativeTask({ ...definition, onError: 'quarantine' });
    await start(walk);
    await dieUntilAlone(walk);
    await die(walk, 6);
    ports.queue.tasks.length = 0;
    clock.ms += 11 * 60_000;
    expect(await healRuns({}, ports)).toMatchObject({ healed: ['r'] });
    for (const retries of [0, 1, 2]) await die(walk, retries);
    expect((await found()).shard).toMatchObject({ epoch: 1, suspect: { attempts: 3 } });
  });

  test('is forgotten when somebody stops the run', async () => {
    const walk = iterativeTask({ ...definition, onError: 'quarantine' });
    await start(walk);
    await dieUntilAlone(walk);
    await pauseRun('r', {}, ports);
    expect(await takeTurn(walk, nextTurn(), ports, attempt(6))).toBe('parked');
    expect((await found()).shard).not.toHaveProperty('suspect');
  });
});

describe('a document that is healthy', () => {
  const policy = { ...base, pageSize: 1, onError: 'quarantine' } as const;

  test('takes effect where an attempt takes longer than the queue waits, however many come meanwhile', async () => {
    const goOn = Promise.withResolvers<void>();
    let calls = 0;
    const walk = iterativeTask({
      ...policy,
      async each(document, ctx) {
        void visit(document, ctx);
        calls += 1;
        await goOn.promise;
      },
    });
    await start(walk);
    const turn = nextTurn();
    const attempts = [3, 4, 5, 6, 7].map(
      async (retries) => await takeTurn(walk, turn, ports, attempt(retries)),
    );
    await expect.poll(() => calls).toBe(attempts.length);
    expect((await found()).shard).toMatchObject({ suspect: { attempts: 1 } });
    goOn.resolve();
    expect((await Promise.all(attempts)).toSorted()).toEqual(['committed', ...Array(4).fill('replayed')]);
    expect(await visits()).toBe('a1 b0 c0 d0 e0 f0 g0 h0');
    expect(await setAside()).toEqual([]);
  });

  test('takes effect where the database did not tell that it was kept before its handler', async () => {
    const walk = iterativeTask({ ...policy, each: visit });
    await start(walk);
    const { store } = ports;
    const lost = Object.assign(new Error('lost'), { code: 14, details: 'lost' });
    const losing = changed(store, {
      async holdTurn(run, before, after) {
        await store.holdTurn(run, before, after);
        throw lost;
      },
    });
    const turn = nextTurn();
    await expect(takeTurn(walk, turn, { ...ports, store: losing }, attempt(3))).rejects.toThrow('lost');
    expect(await takeTurn(walk, turn, { ...ports, store: losing }, attempt(4))).toBe('committed');
    expect(await visits()).toBe('a1 b0 c0 d0 e0 f0 g0 h0');
    expect(await setAside()).toEqual([]);
  });
});
