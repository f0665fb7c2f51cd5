import { beforeEach, describe, expect, test } from 'vitest';
import { FatalTaskError, iterativeTask } from '../../lib/index.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import {
  base,
  allVisitedOnce,
  child,
  children,
  db,
  failingAt,
  found,
  lastAttempt,
  nextTurn,
  ports,
  putThings,
  setAside,
  start,
  visit,
  visits,
  walkOut,
  type Each,
  type Page,
} from './walk.fixture.ts';

beforeEach(putThings);

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
      error: { message: 'poison', document: 'things/d', stack: expect.stringContaining('walk.fixture.ts') },
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
    const message =
      'poison; and as many documents of the shard are set aside as may be (maxQuarantined is 2)';
    expect((await found()).run).toMatchObject({ error: { message, document: 'things/c' } });
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
    expect(() => ctx.quarantine({ ref: db.doc('things/none') }, 'x')).toThrow('things/none is not');
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

test('each sets aside the document that it was called for, and no other of the page', async () => {
  const faults: string[] = [];
  const each: Each = (document, ctx) => {
    if (document.id !== 'a') return;
    ctx.quarantine(document, 'odd');
    try {
      ctx.quarantine({ ref: db.doc('things/c') }, 'twin');
    } catch (error) {
      faults.push((error as Error).message);
    }
  };
  const walk = iterativeTask({ ...base, each });
  await start(walk);
  await walkOut(walk);
  expect(faults).toEqual([
    'ctx.quarantine takes the document that each was called for, and things/c is not.',
  ]);
  expect(await setAside()).toMatchObject([{ path: 'things/a' }]);
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
    expect(await takeTurn(walk, first, ports, lastAttempt)).toBe('replayed');
    expect(ports.queue.tasks.filter(({ delivery }) => delivery.kind === 'turn')).toHaveLength(2);
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
    let isGone = false;
    const query: typeof base.query = (params, firestore) => {
      if (isGone) throw new Error('no such program');
      return base.query(params, firestore);
    };
    const walk = iterativeTask({ ...base, query, onError: 'quarantine', page: () => {} });
    await start(walk);
    isGone = true;
    await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('no such program');
    expect((await found()).shard).toMatchObject({ failures: 1 });
    expect(await takeTurn(walk, nextTurn(), ports, lastAttempt)).toBe('failed');
  });
});

describe('what a handler throws or says', () => {
  const unreadable = Object.defineProperty(new Error('q'), 'message', {
    get: () => {
      throw new Error('no text');
    },
  });
  test.each([
    ['no text', Object.create(null), 'something that cannot be told as text'],
    ['a message that cannot be read', unreadable, 'something that cannot be told as text'],
    ['a message that is no text', Object.assign(new Error('q'), { message: 5, stack: 7 }), '5'],
    ['a message of a megabyte', new Error('m'.repeat(2_000_000)), 'mmm'],
  ])('is counted where it has %s', async (_, thrown: unknown, message) => {
    const each: Each = () => {
      throw thrown;
    };
    const walk = iterativeTask({ ...base, maxFailures: 1, each });
    await start(walk);
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('failed');
    expect((await found()).run).toMatchObject({ error: { message: expect.stringContaining(message) } });
  });

  test('of a document that it sets aside is cut short where it would not fit', async () => {
    const each: Each = (document, ctx) => ctx.quarantine(document, 'r'.repeat(2_000_000));
    const walk = iterativeTask({ ...base, each });
    await start(walk);
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
    expect(await setAside()).toHaveLength(8);
  });
});
