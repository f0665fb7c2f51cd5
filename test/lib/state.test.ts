import { beforeEach, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { stateFromText, type StateDefinition } from '../../lib/core/result.ts';
import { getRun, iterativeTask, retryRun, type IterativeTask } from '../../lib/index.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { begin, takeAll, takeLast } from '../support/runs.ts';
import {
  allVisitedOnce,
  base,
  db,
  found,
  nextTurn,
  ports,
  putThings,
  start,
  visit,
  visits,
  walkOut,
} from './walk.fixture.ts';

beforeEach(putThings);

/** What was seen, in the order in which it was. */
const seen: StateDefinition<{ ids: string }> = {
  schema: z.object({ ids: z.string() }),
  initial: { ids: '' },
  reduce: (a, b) => ({ ids: `${a.ids}|${b.ids}` }),
};

async function stateOf(shard = 0): Promise<unknown> {
  return JSON.parse((await ports.store.getRun('r'))?.shards[shard]?.result ?? 'null');
}

const runOut = async (walk: IterativeTask): Promise<unknown> => await takeAll(walk, ports);

test('a state is carried from page to page, in the commit of each', async () => {
  const walk = iterativeTask({
    ...base,
    pageSize: 3,
    state: seen,
    page(documents, ctx) {
      expectTypeOf(ctx.state).toEqualTypeOf<{ ids: string }>();
      for (const { id } of documents) ctx.state.ids += id;
    },
  });
  await start(walk);
  await takeLast(walk, ports);
  expect(await stateOf()).toEqual({ ids: 'abc' });
  await takeLast(walk, ports);
  expect(await stateOf()).toEqual({ ids: 'abcdef' });
});

test('a state may be replaced, and one that nobody touches stays', async () => {
  const walk = iterativeTask({
    ...base,
    pageSize: 4,
    state: { schema: z.number(), initial: 1, reduce: (a, b) => a + b },
    page(documents, ctx) {
      if (documents[0]?.id === 'a') ctx.state = 7;
    },
  });
  await start(walk);
  await walkOut(walk);
  expect(await stateOf()).toBe(7);
});

test('of two deliveries of a page at the same time, the state of one counts', async () => {
  const walk = iterativeTask({
    ...base,
    state: seen,
    page: (documents, ctx) => void (ctx.state.ids += documents.length),
  });
  await start(walk);
  const turn = nextTurn();
  await Promise.all([takeTurn(walk, turn, ports), takeTurn(walk, turn, ports)]);
  await takeTurn(walk, turn, ports);
  expect(await stateOf()).toEqual({ ids: '8' });
});

test('a page that is tried with fewer documents begins with the state as it was read', async () => {
  const walk = iterativeTask({
    ...base,
    onError: 'quarantine',
    tries: 1,
    state: seen,
    page(documents, ctx) {
      for (const document of documents) {
        ctx.state.ids += document.id;
        if (document.id === 'c') throw new Error('poison');
      }
    },
  });
  await start(walk);
  await walkOut(walk);
  expect(await stateOf()).toEqual({ ids: 'abdefgh' });
});

test('in each, a document that fails leaves nothing in the state, whether it replaced it or changed it', async () => {
  const walk = iterativeTask({
    ...base,
    onError: 'quarantine',
    tries: 2,
    state: seen,
    each(document, ctx) {
      if (document.id === 'e') ctx.state = { ids: 'lost' };
      else ctx.state.ids += document.id;
      if ('ce'.includes(document.id)) throw new Error('poison');
    },
  });
  await start(walk);
  await walkOut(walk);
  expect(await stateOf()).toEqual({ ids: 'abdfgh' });
});

test('a state that a handler changes after it returned is not changed', async () => {
  const kept: { ids: string }[] = [];
  const walk = iterativeTask({
    ...base,
    pageSize: 2,
    state: seen,
    each(document, ctx) {
      for (const former of kept) former.ids = 'late';
      ctx.state.ids += document.id;
      kept.push(ctx.state);
    },
  });
  await start(walk);
  await walkOut(walk);
  expect(await stateOf()).toEqual({ ids: 'abcdefgh' });
});

test('a context keeps no state for those who ask after the handler returned', async () => {
  let late: (() => unknown) | undefined;
  const walk = iterativeTask({ ...base, state: seen, page: (_, ctx) => void (late = () => ctx.state) });
  await start(walk);
  await walkOut(walk);
  expect(late).toThrow('ctx.state was called after the handler had returned');
});

test('the states of shards are reduced in their order for onComplete, and kept as the result of the run', async () => {
  let told: unknown;
  const walk = iterativeTask({
    ...base,
    shards: 3,
    pageSize: 2,
    state: seen,
    each: (document, ctx) => void (ctx.state.ids += document.id),
    onComplete: (ctx) => void (told = ctx.state),
  });
  await begin(walk, ports);
  await runOut(walk);
  expect(told).toEqual({ ids: expect.stringMatching(/^[a-h]+\|[a-h]+\|[a-h]+$/) });
  expect((told as { ids: string }).ids.replaceAll('|', '')).toBe('abcdefgh');
  expect((await getRun('r', ports.store))?.result).toEqual(told);
});

test('a run whose shards saw nothing has the initial state for its result', async () => {
  const walk = iterativeTask({
    ...base,
    query: (_, store) => store.collection('nothing'),
    state: seen,
    each: () => {},
  });
  await start(walk);
  await runOut(walk);
  expect((await getRun('r', ports.store))?.result).toEqual({ ids: '' });
});

test('the state of documents that are taken again is reduced with what the shards had', async () => {
  let isMended = false;
  const walk = iterativeTask({
    ...base,
    onError: 'quarantine',
    tries: 1,
    state: seen,
    each(document, ctx) {
      void visit(document, ctx);
      ctx.state.ids += document.id;
      if (document.id === 'c' && !isMended) throw new Error('poison');
    },
  });
  await start(walk);
  await runOut(walk);
  expect((await getRun('r', ports.store))?.result).toEqual({ ids: 'abdefgh' });
  isMended = true;
  await retryRun('r', {}, ports);
  await runOut(walk);
  expect((await getRun('r', ports.store))?.result).toEqual({ ids: 'abdefgh|c' });
  expect(await visits()).toBe(allVisitedOnce);
});

test('a state that does not fit its schema is a failure of the document, and names the fault', async () => {
  const walk = iterativeTask({
    ...base,
    maxFailures: 2,
    state: { schema: z.object({ n: z.number() }), initial: { n: 0 }, reduce: (a) => a },
    each(document, ctx) {
      ctx.state.n = document.id === 'b' ? Number.NaN : 1;
    },
  });
  await start(walk);
  await walkOut(walk);
  expect((await found()).run).toMatchObject({
    state: 'failed',
    error: { message: expect.stringMatching(/ctx.state of task "walk" .* n: /), document: 'things/b' },
  });
  expect(await stateOf()).toEqual({ n: 1 });
});

test('a state that is too large ends the run at once, and the state is as before', async () => {
  const walk = iterativeTask({
    ...base,
    pageSize: 4,
    onError: 'quarantine',
    state: seen,
    page(documents, ctx) {
      ctx.state.ids += documents[0]?.id === 'a' ? 'ok' : 'x'.repeat(300 * 1024);
    },
  });
  await start(walk);
  await walkOut(walk);
  expect((await found()).run).toMatchObject({
    state: 'failed',
    error: { message: expect.stringMatching(/307\d+ bytes as JSON, and may have 262144/) },
  });
  expect(await stateOf()).toEqual({ ids: 'ok' });
});

test('a state that the schema does not take any more fails the turn before its handler, and says what to do', async () => {
  const first = iterativeTask({ ...base, pageSize: 4, state: seen, page: () => {} });
  await start(first);
  await db.doc('pageturnerRuns/r/shards/0').update({ result: '{"old":1}' });
  let isCalled = false;
  const walk = iterativeTask({ ...base, state: seen, page: () => void (isCalled = true) });
  await expect(takeTurn(walk, nextTurn(), ports)).rejects.toThrow(/Have the schema take the old form too/);
  expect(isCalled).toBe(false);
  expect((await found()).shard).toMatchObject({ failures: 1, turn: 0 });
});

test('a task without state has none to read, and says so when it is set', async () => {
  const walk = iterativeTask({
    ...base,
    maxFailures: 1,
    page(_, ctx) {
      expect(ctx.state).toBeUndefined();
      (ctx as { state: unknown }).state = 1;
    },
  });
  await start(walk);
  await walkOut(walk);
  expect((await found()).run).toMatchObject({
    error: { message: expect.stringContaining('write state: { schema, initial, reduce }') },
  });
});

test('a definition whose state could not be kept is refused', () => {
  const define = (state: unknown) => () =>
    iterativeTask({ ...base, page: () => {}, state: state as typeof seen });
  expect(define({ ...seen, initial: { ids: 1 } })).toThrow(/state.initial that cannot be kept: .* ids: /);
  expect(define({ ...seen, reduce: undefined })).toThrow('a state without schema or reduce');
  expect(define({ initial: 1 })).toThrow('a state without schema or reduce');
});

test('what a schema transforms comes back as it was', () => {
  const dates = { schema: z.coerce.date(), initial: new Date(0), reduce: (a: Date) => a };
  expect(stateFromText('walk', dates, JSON.stringify(new Date(5)))).toEqual(new Date(5));
});
