import type { DocumentData } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import { getRun, iterativeTask, throttleRun, type Wait } from '../../lib/index.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { waitUntil } from '../../lib/throttle-page.ts';
import { attempt } from '../support/attempts.ts';
import type { HeldClock } from '../support/memory-ports.ts';
import { begin, takeLast } from '../support/runs.ts';
import {
  allVisitedOnce,
  base,
  children,
  failingAt,
  found,
  holdClock,
  lastAttempt,
  lastTask,
  nextTurn,
  ports,
  putThings,
  start,
  visit,
  visits,
  waitsUntil,
  walkOut,
} from './walk.fixture.ts';

let clock: HeldClock;

beforeEach(async () => {
  await putThings();
  clock = holdClock();
});

describe('a run with documentsPerSecond', () => {
  test('takes pages of a second, each when the one before has been paid for, and no other wait than in the queue', async () => {
    const walk = iterativeTask({ ...base, documentsPerSecond: 3, each: visit });
    await start(walk);
    expect(lastTask().at).toBeUndefined();
    const begunAt = clock.now();
    const pages: (number | undefined)[] = [];
    while ((await found()).run['state'] === 'running' && pages.length < 9) {
      clock.ms = lastTask().at ?? clock.now();
      pages.push(clock.now() - begunAt);
      await takeLast(walk, ports);
    }
    // Of three, three and two documents, and the word that the shard is done.
    expect(pages).toEqual([0, 1_000, 2_000, 2_000]);
    expect(await visits()).toBe(allVisitedOnce);
    expect(children().join('')).toBe('abcdefgh');
  });

  test('that is below one waits longer between single documents', async () => {
    const walk = iterativeTask({ ...base, documentsPerSecond: 0.5, each: visit });
    await begin(walk, ports, 2);
    const [first, second] = ports.queue.tasks.slice(-2);
    for (const { delivery } of [first, second].filter((task) => task !== undefined))
      if (delivery.kind === 'turn') await takeTurn(walk, delivery, ports);
    const waiting = ports.queue.tasks.filter(({ delivery }) => delivery.kind === 'turn').slice(-2);
    // Two shards, of which each has a quarter of a document a second.
    expect(waiting.map(({ at }) => (at ?? 0) - clock.now())).toEqual([4_000, 4_000]);
    expect(await getRun('r', ports.store)).toMatchObject({ throttledTo: 0.5, processed: 2 });
    expect(await waitsUntil()).toBe(clock.now() + 4_000);
  });

  test('counts what a page took as a part of the wait', async () => {
    const walk = iterativeTask({
      ...base,
      documentsPerSecond: 4,
      page: () => void (clock.ms += 700),
    });
    await start(walk);
    await takeLast(walk, ports);
    expect((lastTask().at ?? 0) - clock.now()).toBe(300);
    const slow = iterativeTask({ ...base, documentsPerSecond: 4, page: () => void (clock.ms += 5_000) });
    clock.ms = lastTask().at ?? 0;
    await takeTurn(slow, nextTurn(), ports);
    expect(lastTask().at).toBeUndefined();
  });

  test('of the start has precedence over the definition, and null lifts that', async () => {
    const walk = iterativeTask({ ...base, documentsPerSecond: 3, each: visit });
    await start(walk);
    await throttleRun('r', null, { by: 'a@example.com' }, ports);
    await takeLast(walk, ports);
    expect((await found()).shard).toMatchObject({ state: 'done', processed: 8 });
  });

  test('that is changed while it goes on holds from the next page on, with who changed it and why', async () => {
    const walk = iterativeTask({ ...base, pageSize: 2, each: visit });
    await start(walk);
    await takeLast(walk, ports);
    await throttleRun('r', 1, { by: 'a@example.com', reason: 'production suffers' }, ports);
    await throttleRun('r', 1, { by: 'b@example.com' }, ports);
    await takeLast(walk, ports);
    expect((await found()).shard).toMatchObject({ processed: 3, turn: 2 });
    expect((lastTask().at ?? 0) - clock.now()).toBe(1_000);
    const run = await getRun('r', ports.store);
    expect(run).toMatchObject({ throttledTo: 1, state: 'running' });
    expect(run?.history.slice(1)).toEqual([
      {
        event: 'throttle',
        state: 'running',
        documentsPerSecond: 1,
        by: 'a@example.com',
        reason: 'production suffers',
        at: new Date(clock.now()),
      },
    ]);
    await throttleRun('r', null, {}, ports);
    clock.ms = lastTask().at ?? 0;
    await takeLast(walk, ports);
    expect(lastTask().at).toBeUndefined();
  });

  test('leaves the share of a shard that is done to the others', async () => {
    const walk = iterativeTask({ ...base, pageSize: 4, documentsPerSecond: 8, each: visit });
    await begin(walk, ports, 2);
    const [first, second] = ports.queue.tasks.slice(-2).map(({ delivery }) => delivery);
    if (first?.kind !== 'turn' || second?.kind !== 'turn') return expect.fail('no turns');
    // A full page, an empty one, and the word that the shard is done.
    await takeTurn(walk, first, ports);
    expect((lastTask().at ?? 0) - clock.now()).toBe(1_000);
    await takeLast(walk, ports);
    expect(await takeLast(walk, ports)).toBe('shards-left');
    await takeTurn(walk, second, ports);
    expect((lastTask().at ?? 0) - clock.now()).toBe(500);
    expect(await visits()).toBe(allVisitedOnce);
  });

  test.each([[0], [-1], [Number.NaN], [2_000_000]])('%s is refused', async (rate) => {
    const walk = iterativeTask({ ...base, each: visit });
    await start(walk);
    await expect(throttleRun('r', rate, {}, ports)).rejects.toThrow(
      `documentsPerSecond ${rate}: write a number from 0.1 to 1000000`,
    );
    expect((await found()).run).not.toHaveProperty('documentsPerSecond');
  });
});

describe('a task with throttle', () => {
  let answers: (Wait | Error)[];
  const asked: Parameters<typeof iterativeTask<typeof base.params, DocumentData>>[0] = {
    ...base,
    pageSize: 4,
    maxFailures: 2,
    throttle({ runId, shard, processed, params }) {
      expect({ runId, shard, params }).toEqual({ runId: 'r', shard: 0, params: {} });
      expect(processed % 4).toBe(0);
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
    each: visit,
  };
  const walk = iterativeTask(asked);

  test('is asked before each page, and again when the time has come', async () => {
    answers = [30, new Date(clock.now() + 90_000), undefined, 0, new Date(5)];
    await start(walk);
    const first = nextTurn();
    expect(await takeTurn(walk, first, ports)).toBe('waiting');
    expect(lastTask()).toMatchObject({ at: clock.now() + 30_000, delivery: { turn: 0, epoch: 1 } });
    expect(await waitsUntil()).toBe(clock.now() + 30_000);
    expect(await visits()).toBe('a0 b0 c0 d0 e0 f0 g0 h0');
    expect(ports.log.entries.at(-1)).toMatchObject({
      severity: 'INFO',
      message: 'The page waits until 1970-01-01T00:17:10.000Z',
    });
    clock.ms += 30_000;
    expect(await takeLast(walk, ports)).toBe('waiting');
    expect(lastTask()).toMatchObject({ at: clock.now() + 60_000, delivery: { turn: 0, epoch: 2 } });
    clock.ms += 60_000;
    expect(await walkOut(walk)).toEqual(['committed', 'committed', 'committed']);
    expect(await visits()).toBe(allVisitedOnce);
    expect(children().join('')).toBe('abcdefgh');
    expect(answers).toEqual([]);
  });

  test('that has a page wait counts no failure and forgets none', async () => {
    answers = [...Array.from({ length: 20 }, () => 1), undefined, 5];
    const poison = iterativeTask({ ...asked, each: failingAt('a').each });
    await start(poison);
    for (let n = 0; n < 20; n += 1) expect(await takeLast(poison, ports)).toBe('waiting');
    expect((await found()).shard).toMatchObject({ failures: 0, epoch: 20 });
    await expect(takeLast(poison, ports)).rejects.toThrow('poison');
    expect(await takeLast(poison, ports)).toBe('waiting');
    expect((await found()).shard).toMatchObject({ failures: 1, lastError: { message: 'poison' } });
    answers = [];
    expect(await takeLast(poison, ports)).toBe('failed');
  });

  test('that has a page wait forgets no attempt that was not heard of: the page has half, as without the wait', async () => {
    answers = [1, undefined];
    await start(walk);
    // Three attempts have died before the one that waits.
    expect(await takeTurn(walk, nextTurn(), ports, attempt(3))).toBe('waiting');
    clock.ms += 1_000;
    expect(await takeTurn(walk, nextTurn(), ports, attempt(0))).toBe('committed');
    expect(await visits()).toBe('a1 b1 c0 d0 e0 f0 g0 h0');
  });

  test('that throws, or returns no time, has failed as its handler would', async () => {
    answers = [new Error('no metrics'), -1];
    await start(walk);
    await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow('no metrics');
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('failed');
    expect((await found()).run).toMatchObject({
      error: { message: expect.stringContaining('throttle returned -1: return seconds or a Date') },
    });
  });

  test('whose worker dies before the later task is enqueued has it enqueued by the next delivery', async () => {
    answers = [60];
    await start(walk);
    const first = nextTurn();
    const enqueue = (): Promise<never> => Promise.reject(new Error('died'));
    const dying = {
      ...ports,
      queue: Object.assign(Object.create(ports.queue) as typeof ports.queue, { enqueue }),
    };
    await expect(takeTurn(walk, first, dying)).rejects.toThrow('died');
    expect(nextTurn()).toEqual(first);
    // Nobody is asked again: the wait stands in the shard.
    expect(await takeTurn(walk, first, ports, lastAttempt)).toBe('replayed');
    expect(lastTask()).toMatchObject({ at: clock.now() + 60_000, delivery: { turn: 0, epoch: 1 } });
    expect(await takeTurn(walk, first, ports)).toBe('replayed');
    clock.ms += 60_000;
    await takeLast(walk, ports);
    expect(await takeTurn(walk, first, ports)).toBe('replayed');
    expect(await walkOut(walk)).toEqual(['committed', 'committed']);
    expect(await visits()).toBe(allVisitedOnce);
  });

  test('of two deliveries of one turn has one wait', async () => {
    let others: string | undefined;
    const asking = iterativeTask({
      ...asked,
      async throttle() {
        others ??= await takeTurn(plain, nextTurn(), ports);
        return 60;
      },
    });
    const plain = iterativeTask({ ...base, pageSize: 4, each: visit });
    await start(asking);
    // The other one has taken the page meanwhile.
    expect(await takeTurn(asking, nextTurn(), ports)).toBe('replayed');
    expect(others).toBe('committed');
    expect((await found()).shard).toMatchObject({ turn: 1, epoch: 0, processed: 4 });
  });
});

describe('what throttle returns', () => {
  test.each([
    ['nothing', undefined, undefined],
    ['null', null, undefined],
    ['no time', 0, undefined],
    ['seconds', 1.5, 2_500],
    ['a date to come', new Date(9_000), 9_000],
    ['a date that is past', new Date(1), undefined],
  ])('may be %s', (_, answer, expected) => {
    expect(waitUntil(answer, 1_000)).toBe(expected);
  });

  test.each([
    ['NaN', Number.NaN],
    ['-1', -1],
    ['2592001', 2_592_001],
    ['Infinity', Infinity],
    ['Invalid Date', new Date(Number.NaN)],
    ['"5"', '5'],
    ['{"seconds":5}', { seconds: 5 }],
    ['function', () => 5],
  ])('may not be %s', (shown, answer) => {
    expect(() => waitUntil(answer, 1_000)).toThrow(`throttle returned ${shown}: return seconds or a Date`);
  });

  test('may not be more than 30 days away', () => {
    expect(() => waitUntil(new Date(31 * 24 * 3_600_000), 1_000)).toThrow('at most 30 days ahead');
  });
});
