import { FieldValue, type Firestore } from '@google-cloud/firestore';
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type { IterativeTask } from '../../lib/core/definition.ts';
import type { TurnDelivery } from '../../lib/core/delivery.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import { FatalTaskError, iterativeTask, task, type PageContext } from '../../lib/index.ts';
import { startRun } from '../../lib/start-run.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { testFirestore } from '../support/firestore.ts';
import { begin, takeLast } from '../support/runs.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';

const params = z.object({}).default({});
const child = task({ name: 'child', queue: 'children', params: z.object({ id: z.string() }), run: () => {} });
const base = {
  name: 'walk',
  queue: 'iterate',
  params,
  pageSize: 2,
  query: (_: unknown, db: Firestore) => db.collection('things'),
};

type Page = NonNullable<IterativeTask['page']>;

const countVisits: Page = (documents, ctx) => {
  for (const document of documents) {
    ctx.update(document.ref, { visits: FieldValue.increment(1) });
    ctx.start(child, { id: document.id });
  }
};

let db: Firestore;
let ports: TestPorts;

beforeEach(async () => {
  db = testFirestore();
  ports = testPorts(db);
  const batch = db.batch();
  for (const id of ['a', 'b', 'c']) batch.set(db.doc(`things/${id}`), { visits: 0 });
  await batch.commit();
});

async function start(walk: IterativeTask): Promise<TurnDelivery> {
  await begin(walk, ports);
  return nextTurn();
}

/** The turn that was enqueued last. */
function nextTurn(): TurnDelivery {
  const turns = ports.queue.tasks.flatMap(({ delivery }) => (delivery.kind === 'turn' ? [delivery] : []));
  return turns.at(-1) ?? expect.fail('no turn was enqueued');
}

async function visits(): Promise<unknown[]> {
  return (await db.collection('things').get()).docs.map((document) => document.get('visits') as unknown);
}

/** What was enqueued, without the preparation. */
function kinds(): string[] {
  return ports.queue.tasks.slice(1).map(({ delivery }) => delivery.kind);
}

test('a run is turns of one page each, then its completion', async () => {
  const completions: number[] = [];
  const walk = iterativeTask({
    ...base,
    page: countVisits,
    onComplete: (ctx) => void completions.push(ctx.processed),
  });
  const first = await start(walk);
  expect(await takeTurn(walk, first, ports)).toBe('committed');
  expect(kinds()).toEqual(['turn', 'task', 'task', 'turn']);
  expect(nextTurn()).toMatchObject({ turn: 1, cursor: ['things/b'] });
  expect(await takeTurn(walk, nextTurn(), ports)).toBe('committed');
  expect(kinds().slice(4)).toEqual(['task', 'finish']);
  expect(await takeLast(walk, ports)).toBe('walked');
  expect(await takeLast(walk, ports)).toBe('completed');
  expect(await visits()).toEqual([1, 1, 1]);
  expect(completions).toEqual([3]);
});

test('each may be given instead of page', async () => {
  const seen: string[] = [];
  const walk = iterativeTask({ ...base, each: (document) => void seen.push(document.id) });
  await takeTurn(walk, await start(walk), ports);
  await takeTurn(walk, nextTurn(), ports);
  expect(seen).toEqual(['a', 'b', 'c']);
});

test('a query that selects nothing completes', async () => {
  const walk = iterativeTask({
    ...base,
    query: (_, store) => store.collection('nothing'),
    page: () => expect.fail('called'),
  });
  await takeTurn(walk, await start(walk), ports);
  expect(kinds()).toEqual(['turn', 'finish']);
});

describe('a delivery that comes again', () => {
  test('after its turn was committed takes no effect, and enqueues what is missing', async () => {
    const walk = iterativeTask({ ...base, page: countVisits });
    const first = await start(walk);
    await takeTurn(walk, first, ports);
    ports.queue.tasks.length = 2; // as if the worker had died before it enqueued anything
    expect(await takeTurn(walk, first, ports)).toBe('replayed');
    expect(kinds()).toEqual(['turn', 'task', 'task', 'turn']);
    expect(await visits()).toEqual([1, 1, 0]);
  });

  test('at the same time as the first takes effect once between them', async () => {
    const walk = iterativeTask({ ...base, page: countVisits });
    const first = await start(walk);
    const outcomes = await Promise.all(Array.from({ length: 4 }, () => takeTurn(walk, first, ports)));
    expect(outcomes.toSorted()).toEqual(['committed', 'replayed', 'replayed', 'replayed']);
    expect(await visits()).toEqual([1, 1, 0]);
    expect(kinds()).toEqual(['turn', 'task', 'task', 'turn']);
  });

  test('after later turns is dropped', async () => {
    const walk = iterativeTask({ ...base, page: countVisits });
    const first = await start(walk);
    await takeTurn(walk, first, ports);
    await takeTurn(walk, nextTurn(), ports);
    expect(await takeTurn(walk, first, ports)).toBe('void');
  });

  test('before its turn is sent back', async () => {
    const walk = iterativeTask({ ...base, page: countVisits });
    const first = await start(walk);
    await expect(takeTurn(walk, { ...first, turn: 7 }, ports)).rejects.toMatchObject({ code: 'too-early' });
  });

  test('to complete a run that is complete enqueues what completion started, and completes nothing', async () => {
    let calls = 0;
    const walk = iterativeTask({
      ...base,
      query: (_, store) => store.collection('nothing'),
      page: () => {},
      onComplete(ctx) {
        calls += 1;
        ctx.start(child, { id: 'last' });
      },
    });
    await takeTurn(walk, await start(walk), ports);
    await takeLast(walk, ports);
    const dying = { enqueue: () => Promise.reject(new Error('died')), has: () => Promise.resolve(false) };
    const complete = { kind: 'complete', run: 'r', epoch: 0 } as const;
    await expect(takeDelivery(walk, complete, { ...ports, queue: dying })).rejects.toThrow('died');
    expect(await takeDelivery(walk, complete, ports)).toBe('replayed');
    expect(await takeDelivery(walk, complete, ports)).toBe('replayed');
    expect(kinds()).toEqual(['turn', 'finish', 'complete', 'task']);
    expect((await db.doc('pageturnerRuns/r').get()).data()).toMatchObject({ needsCare: false, outbox: '[]' });
    expect(calls).toBe(1);
  });
});

test('a completion that fails tells its error in the run, and comes again', async () => {
  let isBroken = true;
  const walk = iterativeTask({
    ...base,
    query: (_, store) => store.collection('nothing'),
    page: () => {},
    onComplete() {
      if (isBroken) throw new Error('no such report');
    },
  });
  await takeTurn(walk, await start(walk), ports);
  await takeLast(walk, ports);
  await expect(takeLast(walk, ports)).rejects.toThrow('no such report');
  expect((await db.doc('pageturnerRuns/r').get()).data()).toMatchObject({
    state: 'completing',
    error: { message: 'no such report' },
  });
  isBroken = false;
  expect(await takeLast(walk, ports)).toBe('completed');
  expect((await db.doc('pageturnerRuns/r').get()).get('error')).toBeUndefined();
});

test('a start that comes again enqueues its preparation and writes nothing', async () => {
  const walk = iterativeTask({ ...base, page: countVisits });
  await takeTurn(walk, await start(walk), ports);
  const again = await startRun(walk, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports);
  expect(again).toBe('exists');
  expect((await db.doc('pageturnerRuns/r/shards/0').get()).get('turn')).toBe(1);
});

describe('a handler that fails', () => {
  test('leaves nothing behind but its error, and the page is handled when it comes again', async () => {
    let isBroken = true;
    const page: Page = (documents, ctx) => {
      void countVisits(documents, ctx);
      if (isBroken) throw new Error('no such template');
    };
    const walk = iterativeTask({ ...base, page });
    const first = await start(walk);
    await expect(takeTurn(walk, first, ports)).rejects.toThrow('no such template');
    expect(kinds()).toEqual(['turn']);
    expect(await visits()).toEqual([0, 0, 0]);
    const shard = (): Promise<unknown> =>
      db
        .doc('pageturnerRuns/r/shards/0')
        .get()
        .then((found) => found.get('lastError.message'));
    expect(await shard()).toBe('no such template');
    isBroken = false;
    expect(await takeTurn(walk, first, ports)).toBe('committed');
    expect(await shard()).toBeUndefined();
  });

  test('for good ends the run, with the cause kept', async () => {
    const page: Page = () => {
      throw new FatalTaskError('the program is gone');
    };
    const walk = iterativeTask({ ...base, page });
    const first = await start(walk);
    expect(await takeTurn(walk, first, ports)).toBe('failed');
    expect((await db.doc('pageturnerRuns/r').get()).data()).toMatchObject({
      state: 'failed',
      error: { message: 'the program is gone', stack: expect.stringContaining('take-turn.test.ts') },
    });
    expect(await takeTurn(walk, first, ports)).toBe('void');
  });

  test('with a write that the database refuses is told which, and loses nothing', async () => {
    const page: Page = (_, ctx) => ctx.create(db.doc('things/a'), { visits: 9 });
    const walk = iterativeTask({ ...base, page });
    await expect(takeTurn(walk, await start(walk), ports)).rejects.toThrow(/already exists/i);
    expect(await visits()).toEqual([0, 0, 0]);
  });

  test('by taking too long is stopped, and told through its signal', async () => {
    let signal: AbortSignal | undefined;
    const { promise: isCalled, resolve: called } = Promise.withResolvers<void>();
    const page: Page = async (_, ctx) => {
      expectTypeOf(ctx).toExtend<PageContext<unknown>>();
      expect(ctx.remaining()).toBeGreaterThan(13_000);
      ({ signal } = ctx);
      called();
      await new Promise(() => {});
    };
    const walk = iterativeTask({ ...base, timeoutSeconds: 15, page });
    const first = await start(walk);
    const fires: (() => void)[] = [];
    const clock = {
      now: () => Date.now(),
      after: (_: number, fire: () => void) => (fires.push(fire), () => {}),
    };
    const late = takeTurn(walk, first, { ...ports, clock });
    await isCalled;
    for (const fire of fires) fire();
    await expect(late).rejects.toMatchObject({
      code: 'deadline-exceeded',
      message: expect.stringContaining('13.5 s'),
    });
    expect(signal?.aborted).toBe(true);
  });

  test('to wait for what it does is told so', async () => {
    let late: (() => void) | undefined;
    const page: Page = (_, ctx) => {
      late = () => ctx.start(child, { id: 'late' });
    };
    const walk = iterativeTask({ ...base, page });
    await takeTurn(walk, await start(walk), ports);
    expect(late).toThrow('ctx.start was called after the handler had returned');
  });
});

test('a turn for the worker of another task is refused', async () => {
  const walk = iterativeTask({ ...base, page: () => {} });
  const first = await start(walk);
  const other = iterativeTask({ ...base, name: 'other', page: () => {} });
  await expect(takeTurn(other, first, ports)).rejects.toThrow(
    'Run r belongs to task "walk", and this is the worker of "other"',
  );
});

test('a completion for the worker of another task is refused, and completes nothing', async () => {
  const walk = iterativeTask({ ...base, page: () => {} });
  await takeTurn(walk, await start(walk), ports);
  await takeTurn(walk, nextTurn(), ports);
  await takeLast(walk, ports);
  const complete = { kind: 'complete', run: 'r', epoch: 0 } as const;
  const other = iterativeTask({ ...base, name: 'other', page: () => {} });
  await expect(takeDelivery(other, complete, ports)).rejects.toThrow(
    'Run r belongs to task "walk", and this is the worker of "other"',
  );
  expect(await takeDelivery(walk, complete, ports)).toBe('completed');
});

test("when the delivered cursor is not the shard's, the shard's decides and the log says so", async () => {
  const seen: string[] = [];
  const walk = iterativeTask({
    ...base,
    page: (documents) => void seen.push(...documents.map(({ id }) => id)),
  });
  const first = await start(walk);
  await takeTurn(walk, { ...first, cursor: ['things/c'] }, ports);
  expect(seen).toEqual(['a', 'b']);
  expect(ports.log.entries).toContainEqual(expect.objectContaining({ severity: 'ERROR' }));
});
