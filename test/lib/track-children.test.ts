import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  FatalTaskError,
  getRun,
  iterativeTask,
  repeatTask,
  task,
  type IterativeTask,
  type Outcome,
} from '../../lib/index.ts';
import type { OutboxTask } from '../../lib/core/outbox.ts';
import { healRuns } from '../../lib/heal-runs.ts';
import { runTask } from '../../lib/run-task.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import { changed } from '../support/changed.ts';
import { base, db, found, lastAttempt, ports, putThings, start, usePorts } from './walk.fixture.ts';

beforeEach(putThings);

let run: (id: string) => Outcome | void;
const child = task({
  name: 'child',
  queue: 'children',
  params: z.object({ id: z.string() }),
  run: ({ id }) => run(id),
});
let told: unknown[];
const walk = iterativeTask({
  ...base,
  pageSize: 3,
  waitForChildren: true,
  each(document, ctx) {
    if ('abc'.includes(document.id)) ctx.start(child, { id: document.id });
  },
  onComplete: (ctx) => void told.push(ctx.failedChildren),
});

/** A run that is walked and waits, unless its children are deleted first. */
beforeEach(async () => {
  told = [];
  run = () => {};
  await start(walk);
});

/** Delivers what is enqueued for the walk now, but not what comes of it when the completion looks again. */
async function walkPages(one: IterativeTask = walk): Promise<string> {
  for (let taken = 0; taken < 40; taken += 1) {
    const next = ports.queue.tasks.filter(({ worker }) => worker === one.name)[taken];
    if (next === undefined || next.delivery.kind === 'task') break;
    const outcome = await takeDelivery(one, next.delivery, ports);
    if (next.delivery.kind === 'complete') return outcome;
  }
  return 'no completion';
}

/** Has the completion look again, as its queue would after a while. */
async function lookAgain(): Promise<string> {
  const { delivery } =
    ports.queue.tasks.findLast(({ worker }) => worker === walk.name) ?? expect.fail('nothing');
  return delivery.kind === 'complete'
    ? await takeDelivery(walk, delivery, ports)
    : expect.fail('no completion');
}

function tasksOf(id: string): (typeof ports.queue.tasks)[number][] {
  return ports.queue.tasks.filter(
    ({ delivery }) => delivery.kind === 'task' && (delivery.params as { id: string }).id === id,
  );
}

/** Delivers the task of a child, the last one that was enqueued for it. */
async function deliver(id: string, attempt = {}): Promise<string> {
  const delivery = tasksOf(id).at(-1)?.delivery;
  if (delivery?.kind !== 'task') expect.fail(`no task of ${id}`);
  return await runTask(child, delivery, ports, { queueId: 'children', ...attempt }).catch(
    ({ message }: Error) => message,
  );
}

test('a run completes when all that its pages started has ended, and not before', async () => {
  expect(await walkPages()).toBe('waiting');
  expect((await found()).run).toMatchObject({ state: 'completing', waits: 1 });
  for (const id of ['a', 'b']) expect(await deliver(id)).toBe('done');
  expect(await lookAgain()).toBe('waiting');
  // Delivered twice: it has ended once.
  expect(await deliver('a')).toBe('done');
  expect(await lookAgain()).toBe('waiting');
  expect(await deliver('c')).toBe('done');
  expect(await lookAgain()).toBe('completed');
  expect(told).toEqual([0]);
  expect((await db.collection('pageturnerRuns/r/children').get()).size).toBe(0);
});

test('the completion looks again later and later, by a task of its own each time', async () => {
  await walkPages();
  const waits = [];
  for (let times = 0; times < 6; times += 1) {
    const next = ports.queue.tasks.at(-1);
    waits.push((next?.at ?? 0) - ((await ports.store.getRun('r'))?.run.updatedAt ?? 0));
    expect(await lookAgain()).toBe('waiting');
  }
  expect(waits).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000]);
});

test('children that fail for good, or at their last attempt, have ended, and are counted', async () => {
  await walkPages();
  run = (id) => {
    if (id === 'a') throw new FatalTaskError('never');
    if (id === 'b') throw new Error('not now');
  };
  expect(await deliver('a')).toBe('failed');
  expect(await deliver('b')).toBe('not now');
  expect(await deliver('c')).toBe('done');
  expect(await lookAgain()).toBe('waiting');
  expect(await deliver('b', { attempt: lastAttempt })).toBe('not now');
  expect(await lookAgain()).toBe('completed');
  expect(told).toEqual([2]);
  expect(await getRun('r', ports.store)).toMatchObject({ state: 'completed', failedChildren: 2 });
});

test('a child that has repeated itself twice is not lost when its first task is delivered again', async () => {
  await walkPages();
  run = (id) => (id === 'a' ? repeatTask({ after: 60 }) : undefined);
  for (const id of ['a', 'a', 'b', 'c']) await deliver(id);
  const [first, second] = tasksOf('a');
  expect(tasksOf('a')).toHaveLength(3);
  // The first two are through, and what an attempt of the first does comes late.
  for (const gone of [first, second])
    ports.queue.tasks.splice(ports.queue.tasks.indexOf(gone as OutboxTask), 1);
  if (first?.delivery.kind !== 'task') expect.fail('no task');
  ports.queue.enqueue = async () => 'exists';
  expect(await runTask(child, first.delivery, ports, { queueId: 'children' })).toBe('repeated');
  await healRuns({ quietSeconds: 0 }, ports);
  expect((await ports.store.openChildren('r', null, 9)).map(({ repeat }) => repeat)).toEqual([2]);
});

describe('a child that repeats itself, and whose last attempt fails behind the enqueueing of its next time,', () => {
  const last = { attempt: lastAttempt };
  const recorded = async (): Promise<number> => (await db.collection('pageturnerFailures').get()).size;
  beforeEach(async () => {
    await walkPages();
    run = (id) => (id === 'a' && tasksOf('a').length === 1 ? repeatTask({ after: 60 }) : undefined);
    for (const id of ['b', 'c']) await deliver(id);
  });

  /** Of a task that the queue has dropped, since it was its last attempt. */
  async function staysAlive(): Promise<void> {
    const [first] = tasksOf('a');
    ports.queue.tasks.splice(ports.queue.tasks.indexOf(first as OutboxTask), 1);
    await healRuns({ quietSeconds: 0 }, ports);
    expect(await lookAgain()).toBe('waiting');
    expect(await recorded()).toBe(0);
    run = () => {};
    expect(await deliver('a')).toBe('done');
    expect(await lookAgain()).toBe('completed');
    expect(told).toEqual([0]);
  }

  test('lives, also where nothing can be noted of it', async () => {
    const { store } = ports;
    usePorts({ store: changed(store, { moveChild: () => Promise.reject(new Error('away')) }) });
    expect(await deliver('a', last)).toBe('repeated');
    expect(ports.log.entries.at(-1)?.message).toBe(
      'The task repeats itself, though its last attempt failed: away',
    );
    usePorts({ store });
    await staysAlive();
  });

  test('lives where the answer of its queue was lost', async () => {
    const enqueue = ports.queue.enqueue.bind(ports.queue);
    ports.queue.enqueue = async (given) => {
      await enqueue(given);
      throw new Error('no answer');
    };
    expect(await deliver('a', last)).toBe('repeated');
    ports.queue.enqueue = enqueue;
    await staysAlive();
  });

  test('has failed where its queue has no next time', async () => {
    const enqueue = ports.queue.enqueue.bind(ports.queue);
    ports.queue.enqueue = () => Promise.reject(new Error('away'));
    expect(await deliver('a', last)).toBe('away');
    ports.queue.enqueue = enqueue;
    expect(await recorded()).toBe(1);
    expect(await lookAgain()).toBe('completed');
    expect(told).toEqual([1]);
  });
});

test('a child that repeats itself has ended when it repeats no more', async () => {
  await walkPages();
  run = (id) => (id === 'a' && tasksOf('a').length === 1 ? repeatTask({ after: 60 }) : undefined);
  for (const id of ['a', 'b', 'c']) await deliver(id);
  expect(await lookAgain()).toBe('waiting');
  // Its first task is gone, and the healer knows of the next.
  ports.queue.tasks.splice(
    ports.queue.tasks.findIndex((one) => one === tasksOf('a')[0]),
    1,
  );
  await healRuns({ quietSeconds: 0 }, ports);
  expect(await lookAgain()).toBe('waiting');
  run = () => {};
  expect(await deliver('a')).toBe('done');
  expect(await lookAgain()).toBe('completed');
  expect(told).toEqual([0]);
});

test('a child whose task is lost is found by the healer, and counts as failed', async () => {
  await walkPages();
  await deliver('a');
  await deliver('b');
  expect(await healRuns({ quietSeconds: 0 }, ports)).toMatchObject({ healed: [] });
  expect(await lookAgain()).toBe('waiting');
  ports.queue.tasks.splice(
    ports.queue.tasks.findIndex((one) => one === tasksOf('c')[0]),
    1,
  );
  expect(await healRuns({ quietSeconds: 600 }, ports)).toMatchObject({ healed: [] });
  expect(await healRuns({ quietSeconds: 0 }, ports)).toMatchObject({ healed: ['r'] });
  expect(await lookAgain()).toBe('completed');
  expect(told).toEqual([1]);
});

test('a child that goes on while the healer looks at it is not taken for lost', async () => {
  await walkPages();
  run = () => (tasksOf('a').length === 1 ? repeatTask({ after: 60 }) : undefined);
  const [first] = tasksOf('a');
  const has = ports.queue.has.bind(ports.queue);
  ports.queue.has = async (asked) => {
    if (asked.id === first?.id) {
      // Its task ends between the healer's two looks, and leaves its queue.
      expect(await deliver('a')).toBe('repeated');
      ports.queue.tasks.splice(ports.queue.tasks.indexOf(first), 1);
    }
    return await has(asked);
  };
  expect(await healRuns({ quietSeconds: 0 }, ports)).toMatchObject({ healed: [] });
  run = () => {};
  for (const id of ['a', 'b', 'c']) expect(await deliver(id)).toBe('done');
  expect(await lookAgain()).toBe('completed');
  expect(told).toEqual([0]);
});

test('the completion that dies before it enqueues its next look is made good by its next delivery', async () => {
  await walkPages();
  const [former] = ports.queue.tasks.flatMap(({ delivery }) =>
    delivery.kind === 'complete' ? [delivery] : [],
  );
  const at = ports.queue.tasks.findLastIndex(({ delivery }) => delivery.kind === 'complete');
  const [next] = ports.queue.tasks.splice(at, 1);
  if (former === undefined) expect.fail('no completion');
  expect(await takeDelivery(walk, former, ports)).toBe('void');
  expect(ports.queue.tasks.at(-1)?.id).toBe(next?.id);
});

test('a lost child is found also while the completion looks again and again', async () => {
  await walkPages();
  ports.queue.tasks.splice(
    0,
    ports.queue.tasks.length,
    ...ports.queue.tasks.filter(({ queue }) => queue !== 'children'),
  );
  const later = Date.now() + 700_000;
  usePorts({ clock: { ...ports.clock, now: () => later } });
  expect(await lookAgain()).toBe('waiting');
  expect(await healRuns({ quietSeconds: 600 }, ports)).toMatchObject({ healed: ['r'] });
  expect(await lookAgain()).toBe('completed');
  expect(told).toEqual([3]);
});

test.each([
  ['completed', 0],
  ['failed', 1],
])('a run that another waits for has ended when it is %s', async (state, failed) => {
  const inner = iterativeTask({
    ...base,
    name: 'inner',
    maxFailures: 1,
    each() {
      if (state === 'failed') throw new Error('poison');
    },
  });
  const outer = iterativeTask({
    ...base,
    pageSize: 1,
    waitForChildren: true,
    each(document, ctx) {
      if (document.id === 'a') ctx.start(inner, {});
    },
    onComplete: (ctx) => void told.push(ctx.failedChildren),
  });
  expect(await walkPages(outer)).toBe('waiting');
  const waiting = ports.queue.tasks.length;
  const first = ports.queue.tasks.find(({ worker }) => worker === inner.name)?.delivery;
  if (first?.kind !== 'start') expect.fail('the inner run was not started');
  await takeDelivery(inner, first, ports);
  for (let at = waiting; at < ports.queue.tasks.length; at += 1) {
    const next = ports.queue.tasks[at];
    if (next?.worker === inner.name && next.delivery.kind !== 'task')
      await takeDelivery(inner, next.delivery, ports);
  }
  expect((await ports.store.getRun(first.run))?.run.state).toBe(state);
  const { delivery } =
    ports.queue.tasks.findLast((one) => one.delivery.kind === 'complete' && one.worker === 'walk') ?? {};
  if (delivery?.kind !== 'complete') expect.fail('no completion');
  expect(await takeDelivery(outer, delivery, ports)).toBe('completed');
  expect(told).toEqual([failed]);
});
