import { expect, test } from 'vitest';
import type { DispatchResult } from '../../../emulator/core/dispatch.ts';
import { QUEUE } from '../samples.ts';
import { FAILED, OK, START, startEngine } from './fixture.ts';

const SECOND_MS = 1000;
const BUSY: DispatchResult = { kind: 'response', httpStatus: 429 };

test('an idle queue counts nothing, and could send at its rate', () => {
  const { engine } = startEngine({ queue: { rateLimits: { maxDispatchesPerSecond: 20 } } });
  expect(engine.queues.stats(QUEUE)).toEqual({
    taskCount: 0,
    nextDueAt: undefined,
    attemptsOut: 0,
    responsesLastMinute: 0,
    effectiveRate: 20,
  });
});

test('tasks that wait and that are out are counted, and the first that waits says when the next is due', async () => {
  const { engine, create, clock } = startEngine();
  create('out');
  create('later', { scheduleAt: START + 9000 });
  create('soon', { scheduleAt: START + 5000 });
  await clock.advanceBy(0);
  expect(engine.queues.stats(QUEUE)).toMatchObject({
    taskCount: 3,
    nextDueAt: START + 5000,
    attemptsOut: 1,
  });
});

test('attempts that got a response, good or bad, are counted for a minute, and those without are not', async () => {
  const ends: Record<string, DispatchResult> = {
    ok: OK,
    failed: FAILED,
    timeout: { kind: 'timeout' },
    refused: { kind: 'unreachable', reason: 'refused' },
  };
  const { engine, create, clock } = startEngine({
    queue: { retryConfig: { maxAttempts: 1 } },
    answer: ({ task }) => ends[task.name.slice(task.name.lastIndexOf('/') + 1)]!,
  });
  for (const id of Object.keys(ends)) create(id);
  await clock.advanceBy(0);
  expect(engine.queues.stats(QUEUE)).toMatchObject({
    responsesLastMinute: 2,
    taskCount: 0,
    attemptsOut: 0,
  });
  await clock.advanceBy(59 * SECOND_MS);
  expect(engine.queues.stats(QUEUE).responsesLastMinute).toBe(2);
  await clock.advanceBy(SECOND_MS);
  expect(engine.queues.stats(QUEUE).responsesLastMinute).toBe(0);
});

test('the rate is what the pressure of the targets leaves of it', async () => {
  const { engine, create, clock } = startEngine({
    answer: () => BUSY,
    queue: { rateLimits: { maxDispatchesPerSecond: 20 }, retryConfig: { maxAttempts: 1 } },
  });
  create('a');
  await clock.advanceBy(0);
  expect(engine.queues.stats(QUEUE).effectiveRate).toBe(10);
});
