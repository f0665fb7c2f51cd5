import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { Run } from '../../lib/core/run.ts';
import {
  cancelRun,
  FatalTaskError,
  getRun,
  healRuns,
  iterativeTask,
  retryRun,
  stopRepeating,
} from '../../lib/index.ts';
import { startRun } from '../../lib/start-run.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import { memoryPorts, type HeldClock } from '../support/memory-ports.ts';
import { takeLast } from '../support/runs.ts';
import type { TestPorts } from '../support/test-runtime.ts';

let ports: TestPorts & { readonly clock: HeldClock };
/** The same, with a queue that cannot be reached. */
let cut: TestPorts;
let onComplete: () => void;
/** The tasks that have been taken. */
let taken: Set<string>;
const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({ program: z.string() }),
  repeat: { after: 60 },
  query: (_, db) => db.collection('things'),
  page: () => {},
  onComplete: () => onComplete(),
});

beforeEach(async () => {
  onComplete = () => {};
  taken = new Set();
  ports = memoryPorts();
  const dead = { enqueue: () => Promise.reject(new Error('died')), has: () => Promise.resolve(false) };
  cut = { ...ports, queue: Object.assign(dead, { tasks: ports.queue.tasks }) as never };
  const start = {
    run: 'r',
    queue: 'elsewhere',
    params: { program: 'a' },
    startedBy: 'me',
    shards: 2,
    key: 'k',
  };
  await startRun(walk, start, ports);
});

/** Takes what is enqueued, in order and each once, until `outcome`. */
async function goOn(outcome: string): Promise<void> {
  for (;;) {
    const task = ports.queue.tasks.find(({ id }) => !taken.has(id)) ?? expect.fail('nothing is enqueued');
    if (task.delivery.kind === 'task') return expect.fail('not of a run');
    const became = await takeDelivery(walk, task.delivery, ports);
    taken.add(task.id);
    if (became === outcome) return;
  }
}

async function runs(): Promise<readonly Run[]> {
  return (await ports.store.listRuns({ limit: 10 })).toSorted(
    (a, b) => (a.repetition ?? 0) - (b.repetition ?? 0),
  );
}

async function states(): Promise<string> {
  return (await runs()).map(({ state }) => state).join(' ');
}

async function second(): Promise<Run> {
  return (await runs())[1] ?? expect.fail('no run has followed');
}

function preparationsOf(run: string): unknown[] {
  return ports.queue.tasks.filter(({ delivery }) => delivery.kind === 'prepare' && delivery.run === run);
}

test('a run that completes is followed by another with the same parameters, key and shards, so much later', async () => {
  await goOn('completed');
  const next = await second();
  expect(next).toMatchObject({
    state: 'starting',
    queue: 'elsewhere',
    params: '{"program":"a"}',
    startedBy: 'me',
    shards: 2,
    key: 'k',
    at: 1_060_000,
    repeatOf: 'r',
    repetition: 1,
  });
  expect(preparationsOf(next.id)).toEqual([expect.objectContaining({ at: 1_060_000, queue: 'elsewhere' })]);
  expect(await getRun('r', ports.store)).toMatchObject({ state: 'completed', nextRun: next.id });
  await goOn('completed');
  expect(await states()).toBe('completed completed starting');
  expect((await runs())[2]).toMatchObject({ repeatOf: 'r', repetition: 2, shards: 2 });
});

test('it is followed once, though its completion comes twice, at the same time and later, and healers look on', async () => {
  await goOn('walked');
  const completion = ports.queue.tasks.at(-1)?.delivery;
  if (completion?.kind !== 'complete') return expect.fail('no completion');
  await Promise.all([takeDelivery(walk, completion, ports), takeDelivery(walk, completion, ports)]);
  expect(await takeDelivery(walk, completion, ports)).toBe('replayed');
  await healRuns({ quietSeconds: 0 }, ports);
  expect(await states()).toBe('completed starting');
  expect(preparationsOf((await second()).id)).toHaveLength(1);
});

test('it is followed by nothing while its completion fails, and by one run when that succeeds', async () => {
  onComplete = () => {
    throw new Error('not yet');
  };
  await goOn('walked');
  await expect(takeLast(walk, ports)).rejects.toThrow('not yet');
  expect(await states()).toBe('completing');
  onComplete = () => {};
  await goOn('completed');
  expect(await states()).toBe('completed starting');
});

test.each(['the delivery that comes again', 'the healer'])(
  'a follower whose completion died before it enqueued anything is enqueued by %s',
  async (who) => {
    await goOn('walked');
    const completion = ports.queue.tasks.at(-1)?.delivery;
    if (completion?.kind !== 'complete') return expect.fail('no completion');
    await expect(takeDelivery(walk, completion, cut)).rejects.toThrow('died');
    expect(await states()).toBe('completed starting');
    const next = await second();
    expect(preparationsOf(next.id)).toEqual([]);
    if (who === 'the healer') await healRuns({ quietSeconds: 0 }, ports);
    else await takeDelivery(walk, completion, ports);
    expect(preparationsOf(next.id).length).toBeGreaterThan(0);
    await goOn('completed');
    expect(await states()).toBe('completed completed starting');
  },
);

test('the key is held from the first run to the last, also while nothing is at work', async () => {
  const other = { run: 'other', queue: 'iterate', params: { program: 'b' }, startedBy: 'me', key: 'k' };
  await goOn('completed');
  const next = await second();
  await expect(startRun(walk, other, ports)).rejects.toThrow(`Run ${next.id} of task "walk" has the key "k"`);
  await cancelRun(next.id, {}, ports);
  expect(await startRun(walk, other, ports)).toBe('started');
});

test('a run that fails is not followed, until it is retried and completes', async () => {
  onComplete = () => {
    throw new FatalTaskError('no such report');
  };
  await goOn('failed');
  expect(await states()).toBe('failed');
  onComplete = () => {};
  await retryRun('r', {}, ports);
  await goOn('completed');
  expect(await states()).toBe('completed starting');
});

test('a canceled run is not followed, and the error of a command for one that was followed names the next', async () => {
  await goOn('completed');
  const next = await second();
  await expect(cancelRun('r', {}, ports)).rejects.toThrow(`and run ${next.id} has followed it`);
  await cancelRun(next.id, {}, ports);
  expect(await states()).toBe('completed canceled');
});

test.each(['before it is prepared', 'while its pages are handled', 'before it completes'])(
  'a run that is told to stop repeating %s ends as it would, and is the last',
  async (when) => {
    if (when !== 'before it is prepared') await goOn('prepared');
    if (when === 'before it completes') await goOn('walked');
    const { state } = (await runs())[0] ?? expect.fail('no run');
    expect(await stopRepeating('r', { by: 'admin@example.com', reason: 'enough' }, ports)).toBe('r');
    expect(await stopRepeating('r', {}, ports)).toBe('r');
    await goOn('completed');
    expect(await states()).toBe('completed');
    const { history } = (await ports.store.getRun('r'))?.run ?? expect.fail('no run');
    expect(history.filter(({ event }) => event === 'stop-repeating')).toMatchObject([
      { state, by: 'admin@example.com', reason: 'enough' },
    ]);
  },
);

test('the last run is told to stop repeating by the id of any run before it', async () => {
  await goOn('completed');
  await goOn('completed');
  const newest = (await runs())[2]?.id;
  expect(await stopRepeating('r', {}, ports)).toBe(newest);
  await goOn('completed');
  expect(await states()).toBe('completed completed completed');
});

test('a failed run that is told to stop repeating keeps its end, calls nothing, and is the last when it is retried', async () => {
  onComplete = () => {
    throw new FatalTaskError('no such report');
  };
  await goOn('failed');
  ports.clock.ms += 5;
  await stopRepeating('r', {}, ports);
  expect((await runs())[0]).toMatchObject({ state: 'failed', endedAt: 1_000_000 });
  onComplete = () => {};
  await retryRun('r', {}, ports);
  await goOn('completed');
  expect(await states()).toBe('completed');
});

test('a start may say otherwise than its task', async () => {
  await cancelRun('r', {}, ports);
  const start = { queue: 'iterate', params: { program: 'a' }, startedBy: 'me' };
  await startRun(walk, { ...start, run: 'once', repeat: false }, ports);
  await startRun(walk, { ...start, run: 'slow', repeat: { after: 7 } }, ports);
  expect((await getRun('once', ports.store))?.repeat).toBeUndefined();
  expect((await getRun('slow', ports.store))?.repeat).toEqual({ after: 7 });
});
