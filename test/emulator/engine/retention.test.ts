import { expect, test } from 'vitest';
import { QUEUE } from '../samples.ts';
import { FAILED, OK, START, startEngine } from './fixture.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

test('a task in a paused queue is gone after 31 days, and the one created later stays', async () => {
  const { engine, create, clock, events, taskName } = startEngine({ answer: () => OK });
  engine.queues.pause(QUEUE);
  create('old');
  await clock.advanceBy(DAY_MS);
  create('younger');
  await clock.advanceBy(30 * DAY_MS - 1);
  expect(engine.tasks.list(QUEUE).tasks).toHaveLength(2);
  await clock.advanceBy(1);
  expect(engine.tasks.list(QUEUE).tasks.map(({ name }) => name)).toEqual([taskName('younger')]);
  expect(events.at(-1)).toEqual({
    kind: 'taskDeleted',
    at: START + 31 * DAY_MS,
    taskName: taskName('old'),
    reason: 'expired',
  });
  await clock.advanceBy(DAY_MS);
  expect(engine.tasks.list(QUEUE).tasks).toEqual([]);
  expect(clock.nextTimerAt).toBeUndefined();
});

test('a task ends when its queue says that it keeps tasks for a shorter time', async () => {
  const { engine, create, clock, taskName } = startEngine();
  engine.queues.pause(QUEUE);
  create('a');
  await clock.advanceBy(DAY_MS);
  engine.queues.update({ name: QUEUE, taskTtlMs: 10 * DAY_MS }, ['task_ttl']);
  await clock.advanceBy(9 * DAY_MS - 1);
  expect(engine.tasks.get(taskName('a'))).toBeDefined();
  await clock.advanceBy(1);
  expect(engine.tasks.list(QUEUE).tasks).toEqual([]);
});

test('more tasks than are looked at in one go are all gone after 31 days', async () => {
  const { engine, create, clock } = startEngine();
  engine.queues.pause(QUEUE);
  for (let n = 0; n < 2500; n += 1) create(`t${n}`);
  await clock.advanceBy(31 * DAY_MS);
  expect(engine.tasks.list(QUEUE).tasks).toEqual([]);
});

test('an engine that finds old tasks in its store counts their days from their creation', async () => {
  const first = startEngine();
  first.engine.queues.pause(QUEUE);
  first.create('a');
  await first.engine.close();
  const second = startEngine({ store: first.store });
  await second.clock.advanceBy(31 * DAY_MS);
  expect(second.engine.tasks.list(QUEUE).tasks).toEqual([]);
});

test('a task that keeps failing under no limit ends after 31 days', async () => {
  const { create, clock, engine, deliveries } = startEngine({
    answer: () => FAILED,
    queue: { retryConfig: { maxAttempts: -1, minBackoffMs: DAY_MS, maxBackoffMs: DAY_MS } },
  });
  create('a');
  await clock.advanceBy(40 * DAY_MS);
  expect(engine.tasks.list(QUEUE).tasks).toEqual([]);
  expect(deliveries).toHaveLength(31);
});
