import type { Query } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import type { TurnDelivery } from '../../lib/core/delivery.ts';
import { iterativeTask, type IterativeTask } from '../../lib/index.ts';
import { KnownRuns } from '../../lib/known-runs.ts';
import type { RunStore } from '../../lib/ports.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { attempt } from '../support/attempts.ts';
import { testFirestore } from '../support/firestore.ts';
import { begin } from '../support/runs.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';
import { changed } from '../support/changed.ts';
import { base } from './walk.fixture.ts';

const first = attempt(0);
const again = attempt(1);

/** What the store was asked for, in order: a read that ends is told with a dot. */
let asked: string[];
let seen: string[];
let ports: TestPorts;

beforeEach(async () => {
  const db = testFirestore();
  ports = testPorts(db);
  asked = [];
  seen = [];
  for (const id of ['a', 'b', 'c', 'd', 'e']) await db.doc(`things/${id}`).set({ n: 1 });
});

function walkBy(order?: (query: Query) => Query): IterativeTask {
  return iterativeTask({
    ...base,
    pageSize: 2,
    query: (params, db) => order?.(base.query(params, db)) ?? base.query(params, db),
    page: (documents) => void seen.push(...documents.map(({ id }) => id)),
  });
}

/** A run whose first page is taken, by a process that knows it since. */
async function begun(walk: IterativeTask): Promise<TurnDelivery> {
  await begin(walk, ports);
  ports = { ...ports, knownRuns: new KnownRuns(), store: told(ports.store) };
  expect(await takeTurn(walk, nextTurn(), ports, first)).toBe('committed');
  expect(asked.splice(0)).toEqual(['turn', 'turn.', 'page', 'page.']);
  return nextTurn();
}

function told(store: RunStore): RunStore {
  const tell = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
    asked.push(what);
    try {
      return await call();
    } finally {
      asked.push(`${what}.`);
    }
  };
  return changed(store, {
    readTurn: (...given) => tell('turn', () => store.readTurn(...given)),
    readPage: (...given) => tell('page', () => store.readPage(...given)),
  });
}

function nextTurn(): TurnDelivery {
  const turns = ports.queue.tasks.flatMap(({ delivery }) => (delivery.kind === 'turn' ? [delivery] : []));
  return turns.at(-1) ?? expect.fail('no turn was enqueued');
}

describe('a process that knows the run', () => {
  test('asks for the page and for the shard at the same time, and once', async () => {
    const walk = walkBy();
    expect(await takeTurn(walk, await begun(walk), ports, first)).toBe('committed');
    expect(asked.slice(0, 2)).toEqual(['page', 'turn']);
    expect(asked).toHaveLength(4);
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  });

  test('reads no page for a retry whose turn is committed', async () => {
    const walk = walkBy();
    const second = await begun(walk);
    await takeTurn(walk, second, ports, first);
    asked.splice(0);
    expect(await takeTurn(walk, second, ports, again)).toBe('replayed');
    expect(asked).toEqual(['turn', 'turn.']);
  });

  test('throws away the page of a duplicate, and whatever went wrong with it', async () => {
    const walk = walkBy();
    const second = await begun(walk);
    await takeTurn(walk, second, ports, first);
    const failing = changed(ports.store, { readPage: () => Promise.reject(new Error('no page')) });
    expect(await takeTurn(walk, second, { ...ports, store: failing }, first)).toBe('replayed');
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  });

  test('has a failure of the page that it needs told to the queue', async () => {
    const walk = walkBy();
    const second = await begun(walk);
    const failing = changed(ports.store, { readPage: () => Promise.reject(new Error('no page')) });
    await expect(takeTurn(walk, second, { ...ports, store: failing }, first)).rejects.toThrow('no page');
    expect(await takeTurn(walk, second, ports, again)).toBe('committed');
  });

  test.each([
    ['cursor', { cursor: ['things/d'] }],
    ['page size', { expected: { pageSize: 1 } }],
  ])('goes by the shard where a delivery has another %s', async (_, forged) => {
    const walk = walkBy();
    const second = await begun(walk);
    expect(await takeTurn(walk, { ...second, ...forged }, ports, first)).toBe('committed');
    expect(asked.filter((what) => what === 'page')).toHaveLength(2);
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  });

  test('reads the page anew when another delivery changed the shard between the page and the commit', async () => {
    const walk = walkBy();
    const second = await begun(walk);
    const { store } = ports;
    let isChanged = false;
    const busy = changed(store, {
      async commitTurn(run, before, after, writes) {
        if (!isChanged) {
          isChanged = true;
          await store.commitTurn(run, before, { ...before.value, updatedAt: before.value.updatedAt + 1 }, []);
        }
        return await store.commitTurn(run, before, after, writes);
      },
    });
    expect(await takeTurn(walk, second, { ...ports, store: busy }, first)).toBe('committed');
    expect(asked.filter((what) => what === 'page')).toHaveLength(2);
  });

  test('walks by an order whose values JSON does not carry one read after the other', async () => {
    const { db } = ports.store;
    for (const id of ['a', 'b', 'c']) await db.doc(`things/${id}`).set({ at: new Date(1) });
    const walk = walkBy((query) => query.orderBy('at'));
    expect(await takeTurn(walk, await begun(walk), ports, first)).toBe('committed');
    expect(asked).toEqual(['turn', 'turn.', 'page', 'page.']);
    expect(seen).toEqual(['a', 'b', 'c']);
  });
});
