import { describe, expect, test } from 'vitest';
import { QUEUE } from '../samples.ts';
import { FAILED, OK, START, startEngine } from './fixture.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

test('a task that is due is delivered, and gone when it succeeds', async () => {
  const { create, clock, deliveries, engine, taskName, events } = startEngine({ answer: () => OK });
  create('a');
  await clock.advanceBy(0);
  expect(deliveries.map(({ task, at }) => [task.name, at])).toEqual([[taskName('a'), 0]]);
  expect(() => engine.tasks.get(taskName('a'))).toThrow('The task no longer exists');
  expect(events.map(({ kind }) => kind)).toEqual([
    'queueCreated',
    'taskCreated',
    'attemptStarted',
    'attemptEnded',
    'taskDeleted',
  ]);
});

test('a scheduled task is delivered at its time and not before', async () => {
  const { create, clock, deliveries } = startEngine({ answer: () => OK });
  create('later', { scheduleAt: START + 5000 });
  await clock.advanceBy(4999);
  expect(deliveries).toHaveLength(0);
  await clock.advanceBy(1);
  expect(deliveries[0]?.at).toBe(5000);
});

test('a task that fails is tried again by the law of its queue, for seven days within one test', async () => {
  const retryConfig = {
    maxAttempts: -1,
    maxRetryDurationMs: 7 * DAY_MS,
    minBackoffMs: 3_600_000,
    maxBackoffMs: DAY_MS,
  };
  const { create, clock, deliveries, events } = startEngine({ answer: () => FAILED, queue: { retryConfig } });
  create('a');
  await clock.advanceBy(10 * DAY_MS);
  const hours = deliveries.map(({ at }) => at / 3_600_000);
  expect(hours).toEqual([0, 1, 3, 7, 15, 31, 55, 79, 103, 127, 151, 175]);
  expect(events.at(-1)).toMatchObject({ kind: 'taskDeleted', reason: 'exhausted' });
});

describe('the rate', () => {
  test('lets a burst go at once, then one each interval', async () => {
    const { create, clock, deliveries } = startEngine({
      answer: () => OK,
      queue: { rateLimits: { maxDispatchesPerSecond: 5 } },
    });
    for (let n = 0; n < 13; n += 1) create(`t${n}`);
    await clock.advanceBy(1000);
    expect(deliveries.map(({ at }) => at)).toEqual([...Array.from({ length: 10 }, () => 0), 200, 400, 600]);
  });

  test('sets no timer while nothing is due', async () => {
    const { create, clock } = startEngine({ answer: () => OK });
    expect(clock.nextTimerAt).toBeUndefined();
    create('later', { scheduleAt: START + 60_000 });
    expect(clock.nextTimerAt).toBe(START + 60_000);
    await clock.advanceBy(60_000);
    expect(clock.nextTimerAt).toBeUndefined();
  });
});

describe('concurrency', () => {
  const queue = { rateLimits: { maxConcurrentDispatches: 1 } };

  test('holds the next task back until the response', async () => {
    const { create, clock, deliveries } = startEngine({ queue });
    create('a');
    create('b');
    await clock.advanceBy(1000);
    expect(deliveries).toHaveLength(1);
    deliveries[0]?.end(OK);
    await clock.advanceBy(0);
    expect(deliveries).toHaveLength(2);
  });

  test('is not used up by a task that waits for its retry', async () => {
    const { create, clock, deliveries, taskName } = startEngine({ queue });
    create('a');
    create('b');
    await clock.advanceBy(0);
    deliveries[0]?.end(FAILED);
    await clock.advanceBy(0);
    expect(deliveries[1]?.task.name).toBe(taskName('b'));
  });
});

describe('a paused queue', () => {
  test('delivers nothing, takes tasks, and goes on when resumed', async () => {
    const { engine, create, clock, deliveries } = startEngine({ answer: () => OK });
    engine.queues.pause(QUEUE);
    create('a');
    await clock.advanceBy(DAY_MS);
    expect(deliveries).toHaveLength(0);
    engine.queues.resume(QUEUE);
    await clock.advanceBy(0);
    expect(deliveries).toHaveLength(1);
  });

  test('lets RunTask through', async () => {
    const { engine, create, clock, deliveries, taskName } = startEngine({ answer: () => OK });
    engine.queues.pause(QUEUE);
    create('a');
    engine.tasks.run(taskName('a'));
    await clock.advanceBy(0);
    expect(deliveries).toHaveLength(1);
  });
});

describe('RunTask', () => {
  test('takes over the scheduled delivery: a success deletes the task', async () => {
    const { engine, create, clock, deliveries, taskName } = startEngine({ answer: () => OK });
    create('a', { scheduleAt: START + 60_000 });
    expect(engine.tasks.run(taskName('a'))).toMatchObject({
      dispatchCount: 1,
      lastAttempt: { dispatchAt: START },
    });
    await clock.advanceBy(DAY_MS);
    expect(deliveries.map(({ at }) => at)).toEqual([0]);
  });

  test('reschedules a failure from the time of the call, not at the old time', async () => {
    const { engine, create, clock, deliveries, taskName } = startEngine({
      queue: { retryConfig: { minBackoffMs: 10_000 } },
    });
    create('a', { scheduleAt: START + 60_000 });
    engine.tasks.run(taskName('a'));
    await clock.advanceBy(4000);
    deliveries[0]?.end(FAILED);
    await clock.advanceBy(DAY_MS);
    expect(deliveries.map(({ at }) => at)).toEqual([0, 10_000]);
  });

  test('starts a second attempt beside one that is out; the failure of the first decides nothing', async () => {
    const { engine, create, clock, deliveries, taskName, events } = startEngine();
    create('a');
    await clock.advanceBy(0);
    engine.tasks.run(taskName('a'));
    deliveries[0]?.end(FAILED);
    await clock.advanceBy(1000);
    expect(deliveries).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ kind: 'attemptEnded', attempt: 1, outcome: 'superseded' });
    expect(engine.tasks.get(taskName('a')).responseCount).toBe(1);
  });

  test('completes the task when the attempt that it overtook succeeds', async () => {
    const { engine, create, clock, deliveries, taskName, events } = startEngine();
    create('a');
    await clock.advanceBy(0);
    engine.tasks.run(taskName('a'));
    deliveries[0]?.end(OK);
    await clock.advanceBy(0);
    deliveries[1]?.end(FAILED);
    await clock.advanceBy(DAY_MS);
    expect(deliveries).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ kind: 'attemptEnded', attempt: 2, outcome: 'ignored' });
  });

  test('of a task that is gone is NOT_FOUND', () => {
    const { engine, taskName } = startEngine();
    expect(() => engine.tasks.run(taskName('none'))).toThrow('Requested entity was not found.');
  });
});

describe('a task that is deleted while its attempt is out', () => {
  test.each(['deleted', 'purged', 'queueDeleted'] as const)(
    '(%s) stays gone, however that ends',
    async (how) => {
      const { engine, create, clock, deliveries, taskName, events } = startEngine();
      create('a');
      await clock.advanceBy(0);
      if (how === 'deleted') engine.tasks.delete(taskName('a'));
      else if (how === 'purged') engine.queues.purge(QUEUE);
      else engine.queues.delete(QUEUE);
      deliveries[0]?.end(FAILED);
      await clock.advanceBy(DAY_MS);
      expect(deliveries).toHaveLength(1);
      expect(events.filter(({ kind }) => kind === 'taskDeleted')).toMatchObject([{ reason: how }]);
      expect(events.at(-1)).toMatchObject({ kind: 'attemptEnded', outcome: 'ignored' });
    },
  );

  test('does not decide for a new task of the same name', async () => {
    const { engine, create, clock, deliveries, taskName } = startEngine({
      settings: { taskNameReuseAfterMs: 0 },
    });
    create('a');
    await clock.advanceBy(0);
    engine.tasks.delete(taskName('a'));
    create('a', { scheduleAt: START + 1000 });
    deliveries[0]?.end(OK);
    await clock.advanceBy(1000);
    expect(deliveries).toHaveLength(2);
  });
});

test('an engine that is closed delivers nothing more, and the next one on its store delivers again what was out', async () => {
  const first = startEngine();
  first.create('a');
  await first.clock.advanceBy(0);
  await first.engine.close();
  first.clock.at(START, () => {});
  const second = startEngine({ store: first.store, answer: () => OK });
  await second.clock.advanceBy(0);
  expect(first.deliveries).toHaveLength(1);
  expect(second.deliveries.map(({ task }) => task.dispatchCount)).toEqual([1]);
});
