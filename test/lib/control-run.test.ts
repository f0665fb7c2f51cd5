import { FieldValue, type Firestore } from '@google-cloud/firestore';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { TurnDelivery } from '../../lib/core/delivery.ts';
import {
  cancelRun,
  FatalTaskError,
  iterativeTask,
  pauseRun,
  resumeRun,
  retryRun,
  stopRepeating,
  task,
  throttleRun,
} from '../../lib/index.ts';
import { startRun } from '../../lib/start-run.ts';
import { FirestoreRunStore } from '../../lib/firestore/run-store.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { attempt } from '../support/attempts.ts';
import { testFirestore } from '../support/firestore.ts';
import { begin, takeLast } from '../support/runs.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';

const child = task({ name: 'child', queue: 'children', params: z.object({}), run: () => {} });
let during: () => Promise<void>;
let onComplete: () => Promise<void>;
const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  pageSize: 2,
  query: (_, db) => db.collection('things'),
  async page(documents, ctx) {
    for (const { ref } of documents) ctx.update(ref, { visits: FieldValue.increment(1) });
    ctx.start(child, {});
    await during();
  },
  async onComplete(ctx) {
    ctx.start(child, {});
    await onComplete();
  },
});
let db: Firestore;
let ports: TestPorts;
/** The same, with a queue that cannot be reached. */
let cut: TestPorts;

beforeEach(async () => {
  during = async () => {};
  onComplete = async () => {};
  db = testFirestore();
  ports = testPorts(db);
  const dead = { enqueue: () => Promise.reject(new Error('died')), has: () => Promise.resolve(false) };
  cut = { ...ports, queue: dead as unknown as TestPorts['queue'] };
  const batch = db.batch();
  for (const id of ['a', 'b', 'c']) batch.set(db.doc(`things/${id}`), { visits: 0 });
  await batch.commit();
});

function turns(): TurnDelivery[] {
  return ports.queue.tasks.flatMap(({ delivery }) => (delivery.kind === 'turn' ? [delivery] : []));
}

function lastTurn(): TurnDelivery {
  return turns().at(-1) ?? expect.fail('no turn');
}

function workers(): string[] {
  return ports.queue.tasks.map(({ worker }) => worker);
}

async function visits(): Promise<unknown[]> {
  return (await db.collection('things').get()).docs.map((found) => found.get('visits') as unknown);
}

async function stateOf(run = 'r'): Promise<unknown> {
  return (await db.doc(`pageturnerRuns/${run}`).get()).get('state');
}

/** A process with it dies when it has parked a shard. */
class DyingStore extends FirestoreRunStore {
  override async getRun(): Promise<never> {
    throw new Error('died');
  }
}

const stops = [
  ['paused', 'pausing', pauseRun],
  ['canceled', 'canceling', cancelRun],
] as const;

describe.each(stops)('a run that is to be %s', (stopped, stopping, stop) => {
  test(`is ${stopping} until the page under way has ended, which takes effect`, async () => {
    await begin(walk, ports);
    during = async () => {
      await stop('r', {}, ports);
      expect(await stateOf()).toBe(stopping);
    };
    expect(await takeTurn(walk, lastTurn(), ports)).toBe('committed');
    expect(await stateOf()).toBe(stopping);
    expect(await takeTurn(walk, lastTurn(), ports)).toBe('parked');
    expect(await stateOf()).toBe(stopped);
    expect(await visits()).toEqual([1, 1, 0]);
    expect(turns()).toHaveLength(2);
  });

  test('by force is so at once, and a page under way takes no effect', async () => {
    await begin(walk, ports);
    during = () => stop('r', { force: true }, ports);
    expect(await takeTurn(walk, lastTurn(), ports)).toBe('void');
    expect(await stateOf()).toBe(stopped);
    expect(await visits()).toEqual([0, 0, 0]);
  });

  test('is so when its workers have had their time, though one of them hangs', async () => {
    await begin(walk, ports);
    const hanging = Promise.withResolvers<void>();
    during = () => hanging.promise;
    const taking = takeTurn(walk, lastTurn(), ports);
    await stop('r', {}, ports);
    const settle = ports.queue.tasks.at(-1) ?? expect.fail('no task');
    expect(settle.delivery.kind).toBe('settle');
    expect((settle.at ?? 0) - Date.now()).toBeGreaterThan(walk.timeoutSeconds * 1000);
    expect(await takeLast(walk, ports)).toBe('settled');
    expect(await stateOf()).toBe(stopped);
    hanging.resolve();
    expect(await taking).toBe('void');
  });

  test('is so when the last of its shards has parked', async () => {
    await begin(walk, ports, 3);
    await stop('r', {}, ports);
    for (const [place, turn] of turns().entries()) {
      expect(await stateOf()).toBe(stopping);
      expect([place, await takeTurn(walk, turn, ports)]).toEqual([place, 'parked']);
    }
    expect(await stateOf()).toBe(stopped);
  });

  test('is so when its shards have parked by tasks that were first delivered between the command and the first of them', async () => {
    await begin(walk, ports, 3);
    await stop('r', {}, ports);
    const { updateTime } = await db.doc('pageturnerRuns/r').get();
    const firstMadeAt = (updateTime?.toMillis() ?? 0) + 1;
    for (const [place, turn] of turns().entries()) {
      const outcome = takeTurn(walk, turn, ports, attempt(0, { firstMadeAt: async () => firstMadeAt }));
      expect([place, await outcome]).toEqual([place, 'parked']);
    }
    expect(await stateOf()).toBe(stopped);
  });

  test('is so though the worker that parked the last shard died before the run heard of it', async () => {
    await begin(walk, ports);
    await stop('r', {}, ports);
    await expect(takeTurn(walk, lastTurn(), { ...ports, store: new DyingStore(db) })).rejects.toThrow('died');
    expect(await stateOf()).toBe(stopping);
    expect(await takeTurn(walk, lastTurn(), ports)).toBe('parked');
    expect(await stateOf()).toBe(stopped);
  });

  test('before it was prepared is so at once, and is not prepared', async () => {
    await startRun(walk, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports);
    await stop('r', {}, ports);
    expect(await stateOf()).toBe(stopped);
    expect(await takeLast(walk, ports)).toBe('void');
    expect(turns()).toEqual([]);
  });

  test('while it completes does not complete', async () => {
    await begin(walk, ports);
    while ((await takeLast(walk, ports)) !== 'walked');
    onComplete = () => stop('r', {}, ports);
    expect(await takeLast(walk, ports)).toBe('parked');
    expect(await stateOf()).toBe(stopped);
    expect(workers().filter((worker) => worker === 'child')).toHaveLength(2);
  });

  test('has the children of its last page, though a crash kept them back', async () => {
    await begin(walk, ports);
    const first = lastTurn();
    await expect(takeTurn(walk, first, cut)).rejects.toThrow('died');
    ports.queue.tasks.length = 0;
    await expect(stop('r', { force: true }, cut)).rejects.toThrow('died');
    expect(await takeTurn(walk, first, ports)).toBe('replayed');
    ports.queue.tasks.length = 0;
    await stop('r', { force: true }, ports);
    expect(workers()).toEqual(['walk', 'child']);
    expect(await stateOf()).toBe(stopped);
  });

  test('twice is so once', async () => {
    await begin(walk, ports);
    await stop('r', { force: true }, ports);
    await stop('r', {}, ports);
    const history = (await db.doc('pageturnerRuns/r').get()).get('history') as { event: string }[];
    expect(history.map(({ event }) => event)).toEqual([
      'prepared',
      stop === pauseRun ? 'pause' : 'cancel',
      'stopped',
    ]);
  });
});

describe('a paused run', () => {
  test('goes on at its cursor when it is resumed, and the tasks of before are void', async () => {
    await begin(walk, ports);
    await takeTurn(walk, lastTurn(), ports);
    const old = lastTurn();
    await pauseRun('r', {}, ports);
    await takeTurn(walk, old, ports);
    expect(await takeTurn(walk, old, ports)).toBe('void');
    await resumeRun('r', {}, ports);
    expect(await takeTurn(walk, old, ports)).toBe('void');
    expect(lastTurn()).toMatchObject({ turn: 1, epoch: 2 });
    await takeTurn(walk, lastTurn(), ports);
    expect(await visits()).toEqual([1, 1, 1]);
  });

  test('does not enqueue again what its last page started, however long it was paused', async () => {
    await begin(walk, ports);
    await takeTurn(walk, lastTurn(), ports);
    await pauseRun('r', {}, ports);
    await takeTurn(walk, lastTurn(), ports);
    ports.queue.tasks.length = 0; // the names are forgotten
    await resumeRun('r', {}, ports);
    expect(workers()).toEqual(['walk']);
  });

  test('that was not prepared is prepared when it is resumed', async () => {
    await startRun(walk, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports);
    await pauseRun('r', {}, ports);
    await resumeRun('r', {}, ports);
    expect(await takeLast(walk, ports)).toBe('prepared');
    expect(turns()).toHaveLength(1);
  });

  test('whose resume died before it enqueued goes on when it is resumed again', async () => {
    await begin(walk, ports);
    await pauseRun('r', { force: true }, ports);
    ports.queue.tasks.length = 0;
    await expect(resumeRun('r', {}, cut)).rejects.toThrow('died');
    await resumeRun('r', {}, ports);
    expect(workers()).toEqual(['walk']);
  });

  test('of which only the completion was left completes when it is resumed', async () => {
    await begin(walk, ports);
    while ((await takeLast(walk, ports)) !== 'walked');
    await pauseRun('r', { force: true }, ports);
    await resumeRun('r', {}, ports);
    expect(await takeLast(walk, ports)).toBe('walked');
    expect(await takeLast(walk, ports)).toBe('completed');
  });
});

test('a run that is resumed while it is pausing goes on: the shard that has parked, and the one that has not', async () => {
  await begin(walk, ports, 2);
  const [one, other] = turns();
  if (one === undefined || other === undefined) return expect.fail('no two turns');
  await pauseRun('r', {}, ports);
  expect(await takeTurn(walk, one, ports)).toBe('parked');
  await resumeRun('r', {}, ports);
  expect(await takeTurn(walk, other, ports)).toBe('committed');
  expect(await takeTurn(walk, one, ports)).toBe('void');
  expect(turns().filter(({ shard, epoch }) => shard === one.shard && epoch === 2)).toHaveLength(1);
});

test('a settling of a pause that was resumed since is void', async () => {
  await begin(walk, ports);
  await pauseRun('r', {}, ports);
  const settle = ports.queue.tasks.at(-1)?.delivery;
  if (settle?.kind !== 'settle') return expect.fail('no settling');
  await resumeRun('r', {}, ports);
  expect(await takeDelivery(walk, settle, ports)).toBe('void');
  expect(await stateOf()).toBe('running');
});

test('a failed run goes on where it stands when it is retried', async () => {
  await begin(walk, ports);
  await takeTurn(walk, lastTurn(), ports);
  during = () => Promise.reject(new FatalTaskError('no mail server'));
  expect(await takeTurn(walk, lastTurn(), ports)).toBe('failed');
  during = async () => {};
  await retryRun('r', { by: 'admin@example.com', reason: 'it is back' }, ports);
  expect((await db.doc('pageturnerRuns/r').get()).data()).toMatchObject({
    state: 'running',
    history: [
      { event: 'prepared', by: 'worker' },
      { event: 'fail', by: 'worker', reason: 'no mail server' },
      { event: 'retry', state: 'running', by: 'admin@example.com', reason: 'it is back' },
    ],
  });
  while ((await takeLast(walk, ports)) !== 'completed');
  expect(await visits()).toEqual([1, 1, 1]);
});

test('a shard that fails for good stops the others, and a page of theirs under way takes no effect', async () => {
  await begin(walk, ports, 2);
  const [one, other] = turns();
  if (one === undefined || other === undefined) return expect.fail('no two turns');
  during = async () => {
    during = () => Promise.reject(new FatalTaskError('no mail server'));
    expect(await takeTurn(walk, other, ports)).toBe('failed');
  };
  expect(await takeTurn(walk, one, ports)).toBe('void');
  expect(await visits()).toEqual([0, 0, 0]);
});

test('a canceled run cannot be resumed, and a run that is not there cannot be paused', async () => {
  await begin(walk, ports);
  await cancelRun('r', { force: true }, ports);
  await expect(resumeRun('r', {}, ports)).rejects.toThrow(
    'Run r is canceled; resume takes a run that is pausing or paused.',
  );
  await expect(pauseRun('none', {}, ports)).rejects.toMatchObject({ code: 'invalid-state' });
});

test.each([
  [{ reason: { why: 'x' } }, 'reason {"why":"x"}: write a text.'],
  [{ by: 5 }, 'by 5: write a text.'],
  [{ force: 'no' }, 'force "no": write true or false.'],
])('a command with %j is refused, and changes nothing', async (options, message) => {
  await begin(walk, ports);
  const given = options as object;
  for (const asked of [
    pauseRun('r', given, ports),
    cancelRun('r', given, ports),
    throttleRun('r', 5, given, ports),
    stopRepeating('r', given, ports),
  ])
    await expect(asked).rejects.toMatchObject({ code: 'invalid-parameters', message });
  expect((await ports.store.getRun('r'))?.run).toMatchObject({ state: 'running', history: [{}] });
});
