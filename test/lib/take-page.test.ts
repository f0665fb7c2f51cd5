import { FieldValue, type Firestore } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { IterativeTask } from '../../lib/core/definition.ts';
import type { TurnDelivery } from '../../lib/core/delivery.ts';
import type { Attempt } from '../../lib/ports.ts';
import { FatalTaskError, iterativeTask, task } from '../../lib/index.ts';
import { startRun } from '../../lib/start-run.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { testFirestore } from '../support/firestore.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';

const child = task({ name: 'child', queue: 'children', params: z.object({ id: z.string() }), run: () => {} });
const base = {
  name: 'walk',
  queue: 'iterate',
  params: z.object({}).default({}),
  query: (_: unknown, db: Firestore) => db.collection('things'),
};
const lastAttempt: Attempt = { isLast: async () => true };

type Page = NonNullable<IterativeTask['page']>;
type Each = NonNullable<IterativeTask['each']>;

let db: Firestore;
let ports: TestPorts;

beforeEach(async () => {
  db = testFirestore();
  ports = testPorts(db);
  const batch = db.batch();
  for (const id of 'abcdefgh') batch.set(db.doc(`things/${id}`), { visits: 0 });
  await batch.commit();
});

async function start(walk: IterativeTask): Promise<void> {
  await startRun(walk, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports);
}

/** The turn that was enqueued last. */
function nextTurn(): TurnDelivery {
  const turns = ports.queue.tasks.flatMap(({ delivery }) => (delivery.kind === 'turn' ? [delivery] : []));
  return turns.at(-1) ?? expect.fail('no turn was enqueued');
}

/** Delivers turns, each again when it fails, until the run is over or its shard is done. Gives how each delivery ended. */
async function walkOut(walk: IterativeTask, most = 60): Promise<string[]> {
  const outcomes: string[] = [];
  while (outcomes.length < most) {
    outcomes.push(await takeTurn(walk, nextTurn(), ports).catch(({ message }: Error) => message));
    const { run, shard } = await found();
    if (run['state'] !== 'running' || shard['state'] !== 'running') return outcomes;
  }
  return outcomes;
}

async function found(): Promise<{ run: Record<string, unknown>; shard: Record<string, unknown> }> {
  const [run, shard] = await db.getAll(db.doc('pageturnerRuns/r'), db.doc('pageturnerRuns/r/shards/0'));
  return { run: run?.data() ?? {}, shard: shard?.data() ?? {} };
}

async function visits(): Promise<string> {
  const { docs } = await db.collection('things').get();
  return docs.map((document) => `${document.id}${document.get('visits') as number}`).join(' ');
}

async function setAside(): Promise<unknown[]> {
  const { docs } = await db.collection('pageturnerRuns/r/setAside').orderBy('path').get();
  return docs.map((document) => document.data());
}

const visit: Each = (document, ctx) => {
  ctx.update(document.ref, { visits: FieldValue.increment(1) });
  ctx.start(child, { id: document.id });
};

function children(): string[] {
  return ports.queue.tasks.flatMap(({ delivery }) =>
    delivery.kind === 'task' ? [(delivery.params as { id: string }).id] : [],
  );
}

/** Fails at some documents, after it has asked for their effects. */
function failingAt(
  ids: string,
  error: () => unknown = () => new Error('poison'),
): { page: Page; each: Each } {
  const each: Each = (document, ctx) => {
    void visit(document, ctx);
    if (ids.includes(document.id)) throw error();
  };
  return {
    each,
    page(documents, ctx) {
      for (const document of documents) void each(document, ctx);
    },
  };
}

const allVisitedOnce = 'a1 b1 c1 d1 e1 f1 g1 h1';

describe('a document that fails in each', () => {
  test('leaves the documents before it in effect, and stands first in the next page', async () => {
    const walk = iterativeTask({ ...base, each: failingAt('d').each });
    await start(walk);
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
    expect(await visits()).toBe('a1 b1 c1 d0 e0 f0 g0 h0');
    expect(children()).toEqual(['a', 'b', 'c']);
    expect((await found()).shard).toMatchObject({
      processed: 3,
      failures: 1,
      lastError: { message: 'poison', document: 'things/d' },
    });
    await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('poison');
    expect((await found()).shard).toMatchObject({ processed: 3, failures: 2, turn: 1 });
  });

  test('ends the run when its failures are used up, with the document, the error and its stack kept', async () => {
    const walk = iterativeTask({ ...base, each: failingAt('d').each });
    await start(walk);
    expect(await walkOut(walk)).toEqual(['committed', 'poison', 'poison', 'poison', 'failed']);
    expect((await found()).run).toMatchObject({
      state: 'failed',
      error: { message: 'poison', document: 'things/d', stack: expect.stringContaining('take-page.test.ts') },
    });
    expect(await visits()).toBe('a1 b1 c1 d0 e0 f0 g0 h0');
  });

  test('and then does not, costs nothing: a page that takes effect gives the whole budget back', async () => {
    let failures = 0;
    const each: Each = (document, ctx) => {
      // Each document fails four times, and the budget is five.
      if ((failures += 1) % 5 !== 0) throw new Error('not yet');
      void visit(document, ctx);
    };
    const walk = iterativeTask({ ...base, pageSize: 1, each });
    await start(walk);
    await walkOut(walk);
    expect(await visits()).toBe(allVisitedOnce);
  });

  test('is set aside after three tries, in the commit of the documents behind it', async () => {
    const walk = iterativeTask({ ...base, onError: 'quarantine', each: failingAt('df').each });
    await start(walk);
    expect(await walkOut(walk)).toEqual(['committed', 'poison', 'committed', 'poison', 'committed']);
    expect(await visits()).toBe('a1 b1 c1 d0 e1 f0 g1 h1');
    expect(children().join('')).toBe('abcegh');
    expect((await found()).shard).toMatchObject({ state: 'done', processed: 6, quarantined: 2 });
    expect(await setAside()).toMatchObject([
      { path: 'things/d', attempts: 3, error: { message: 'poison', stack: expect.any(String) } },
      { path: 'things/f', attempts: 3, error: { message: 'poison' } },
    ]);
  });

  test('is set aside at once where one try is enough, and the page goes on', async () => {
    const walk = iterativeTask({ ...base, onError: 'quarantine', tries: 1, each: failingAt('adh').each });
    await start(walk);
    expect(await walkOut(walk)).toEqual(['committed']);
    expect(await visits()).toBe('a0 b1 c1 d0 e1 f1 g1 h0');
  });

  test('ends the run at once where that is asked for', async () => {
    const walk = iterativeTask({ ...base, onError: 'fail', each: failingAt('d').each });
    await start(walk);
    expect(await walkOut(walk)).toEqual(['failed']);
    expect((await found()).run).toMatchObject({ error: { document: 'things/d' } });
    expect(await visits()).toBe('a0 b0 c0 d0 e0 f0 g0 h0');
  });

  test('for good ends the run at once', async () => {
    const fatal = failingAt('d', () => new FatalTaskError('over'));
    const walk = iterativeTask({ ...base, onError: 'quarantine', each: fatal.each });
    await start(walk);
    expect(await walkOut(walk)).toEqual(['failed']);
    expect((await found()).run).toMatchObject({ error: { message: 'over', document: 'things/d' } });
  });

  test('cannot ask for anything while the next one is handled', async () => {
    let late: (() => void) | undefined;
    const each: Each = (document, ctx) => {
      late?.();
      late = () => ctx.start(child, { id: `late ${document.id}` });
    };
    const walk = iterativeTask({ ...base, onError: 'quarantine', tries: 1, each });
    await start(walk);
    await walkOut(walk);
    expect(children()).toEqual([]);
    expect(await setAside()).toContainEqual(
      expect.objectContaining({
        error: expect.objectContaining({ message: expect.stringMatching(/after the handler had returned/) }),
      }),
    );
  });
});

describe('a document that fails in page', () => {
  test('is found by halves without using up the budget, and set aside; the others take effect once', async () => {
    const sizes: number[] = [];
    const { page } = failingAt('f');
    const walk = iterativeTask({
      ...base,
      onError: 'quarantine',
      page(documents, ctx) {
        sizes.push(documents.length);
        void page(documents, ctx);
      },
    });
    await start(walk);
    const outcomes = await walkOut(walk);
    expect(sizes.slice(0, 2)).toEqual([8, 4]);
    expect(outcomes.filter((outcome) => outcome === 'poison')).toHaveLength(2);
    expect(await visits()).toBe('a1 b1 c1 d1 e1 f0 g1 h1');
    expect(children().toSorted().join('')).toBe('abcdegh');
    expect(await setAside()).toMatchObject([{ path: 'things/f', attempts: 3 }]);
  });

  test('ends the run when it has failed alone as often as the budget says', async () => {
    const walk = iterativeTask({ ...base, page: failingAt('f').page });
    await start(walk);
    const outcomes = await walkOut(walk);
    expect(outcomes.slice(-5)).toEqual(['poison', 'poison', 'poison', 'poison', 'failed']);
    expect((await found()).run).toMatchObject({ error: { message: 'poison', document: 'things/f' } });
    expect(await visits()).toBe('a1 b1 c1 d1 e1 f0 g0 h0');
  });

  test('has pages that grow back behind it', async () => {
    const walk = iterativeTask({
      ...base,
      pageSize: 4,
      onError: 'quarantine',
      tries: 1,
      page: failingAt('a').page,
    });
    await start(walk);
    await takeTurn(walk, nextTurn(), ports);
    expect((await found()).shard).toMatchObject({ pageSize: 2, quarantined: 1 });
    await walkOut(walk);
    expect(await visits()).toBe('a0 b1 c1 d1 e1 f1 g1 h1');
  });

  test('by a write that the database refuses is found too', async () => {
    const each: Each = (document, ctx) => {
      void visit(document, ctx);
      if (document.id === 'c') ctx.create(db.doc('things/a'), { visits: 9 });
    };
    const walk = iterativeTask({ ...base, onError: 'quarantine', each });
    await start(walk);
    await walkOut(walk);
    expect(await visits()).toBe('a1 b1 c0 d1 e1 f1 g1 h1');
    expect(await setAside()).toMatchObject([
      { path: 'things/c', error: { message: expect.stringMatching(/already exists/i) } },
    ]);
  });
});

describe('too many documents set aside', () => {
  test('by failing end the run', async () => {
    const walk = iterativeTask({
      ...base,
      onError: 'quarantine',
      tries: 1,
      maxQuarantined: 2,
      each: failingAt('abc').each,
    });
    await start(walk);
    expect(await walkOut(walk)).toEqual(['failed']);
    expect((await found()).run).toMatchObject({ error: { message: 'poison', document: 'things/c' } });
  });

  test('by their handler end the run', async () => {
    const walk = iterativeTask({
      ...base,
      maxQuarantined: 2,
      each: (document, ctx) => ctx.quarantine(document, 'odd'),
    });
    await start(walk);
    expect(await walkOut(walk)).toEqual(['failed']);
    expect((await found()).run).toMatchObject({
      error: { message: expect.stringContaining('as number 3 of its shard; maxQuarantined is 2') },
    });
  });
});

test('a handler sets documents of its page aside with a reason, and no others', async () => {
  const page: Page = (documents, ctx) => {
    for (const document of documents) {
      if (document.id > 'f') ctx.quarantine(document, 'too late in the alphabet');
      else void visit(document, ctx);
    }
    expect(() => ctx.quarantine({ ref: db.doc('things/none') }, 'x')).toThrow('things/none is none');
  };
  const walk = iterativeTask({ ...base, page });
  await start(walk);
  await walkOut(walk);
  expect((await found()).shard).toMatchObject({ processed: 6, quarantined: 2 });
  expect(await setAside()).toMatchObject([
    { path: 'things/g', attempts: 0, error: { message: 'too late in the alphabet' } },
    { path: 'things/h', attempts: 0 },
  ]);
});

describe("the platform's failures", () => {
  const unavailable = (): Error => Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: 'gone' });

  test('that a handler lets through are not counted, however often', async () => {
    let failures = 0;
    const each: Each = (document, ctx) => {
      if (document.id === 'a' && (failures += 1) <= 20) throw unavailable();
      void visit(document, ctx);
    };
    const walk = iterativeTask({ ...base, maxFailures: 1, onError: 'fail', each });
    await start(walk);
    expect(await walkOut(walk)).toHaveLength(21);
    expect(await visits()).toBe(allVisitedOnce);
  });

  test('on the last attempt begin the chain anew at its cursor, a while later', async () => {
    const walk = iterativeTask({ ...base, page: failingAt('a', unavailable).page });
    await start(walk);
    const first = nextTurn();
    expect(await takeTurn(walk, first, ports, lastAttempt)).toBe('restarted');
    expect(nextTurn()).toMatchObject({ turn: 0, epoch: 1 });
    expect(ports.queue.tasks.at(-1)?.at).toBeGreaterThan(Date.now());
    expect(await takeTurn(walk, first, ports, lastAttempt)).toBe('void');
    expect((await found()).shard).toMatchObject({ failures: 0, lastError: { message: '14 UNAVAILABLE' } });
  });
});

describe("a failure of the user's code on the last attempt", () => {
  test('ends the run with its cause, though the budget is not used up', async () => {
    const walk = iterativeTask({ ...base, each: failingAt('a').each });
    await start(walk);
    expect(await takeTurn(walk, nextTurn(), ports, lastAttempt)).toBe('failed');
    expect((await found()).run).toMatchObject({ state: 'failed', error: { document: 'things/a' } });
  });

  test('sets the document aside where that is asked for', async () => {
    const walk = iterativeTask({ ...base, onError: 'quarantine', page: failingAt('a').page });
    await start(walk);
    expect(await takeTurn(walk, nextTurn(), ports, lastAttempt)).toBe('committed');
    expect(await setAside()).toMatchObject([{ path: 'things/a', attempts: 1 }]);
  });

  test('before there are documents ends the run', async () => {
    const query = (): never => {
      throw new Error('no such program');
    };
    const walk = iterativeTask({ ...base, query, onError: 'quarantine', page: () => {} });
    await start(walk);
    await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('no such program');
    expect((await found()).shard).toMatchObject({ failures: 1 });
    expect(await takeTurn(walk, nextTurn(), ports, lastAttempt)).toBe('failed');
  });
});

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
    ports = { ...ports, clock };
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
    ports = { ...ports, clock };
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
    ports = { ...ports, clock };
    const sizes: number[] = [];
    const page: Page = async (documents, ctx) => {
      sizes.push(documents.length);
      for (const document of documents) void visit(document, ctx);
      clock.pass(documents.length * 20_000);
      await null;
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
    ports = { ...ports, clock };
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

  test('sends another delivery back to wait, which disturbs nothing', async () => {
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
    const first = takeTurn(walk, delivery, ports);
    await called.promise;
    await expect(takeTurn(walk, delivery, ports, lastAttempt)).rejects.toMatchObject({ code: 'held' });
    released.resolve();
    expect(await first).toBe('committed');
    expect(calls).toBe(1);
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
});
