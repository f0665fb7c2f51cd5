import { expect, test } from 'vitest';
import type { DispatchResult } from '../../../emulator/core/dispatch.ts';
import type { EngineSettings } from '../../../emulator/engine/engine.ts';
import { QUEUE } from '../samples.ts';
import { OK, startEngine } from './fixture.ts';

const BUSY: DispatchResult = { kind: 'response', httpStatus: 429 };
const SECOND_MS = 1000;

/** A queue of 5 a second with far more tasks than it can send, whose first answer is `first`. */
function startBusy(first: DispatchResult, settings: Partial<EngineSettings> = {}) {
  const engine = startEngine({
    settings,
    answer: ({ task }) => (task.name.endsWith('/first') ? first : OK),
    queue: { rateLimits: { maxDispatchesPerSecond: 5 }, retryConfig: { maxAttempts: 1 } },
  });
  engine.create('first');
  for (let n = 0; n < 200; n += 1) engine.create(`t${n}`);
  const between = (from: number, to: number): number =>
    engine.deliveries.filter(({ at }) => at > from * SECOND_MS && at <= to * SECOND_MS).length;
  return { ...engine, between };
}

test('a target that answers 429 gets half as many tasks a second, and all of them again after ten seconds', async () => {
  const { clock, between } = startBusy(BUSY);
  await clock.advanceBy(30 * SECOND_MS);
  // The burst has left before the first answer came.
  expect(between(0, 10)).toBe(25);
  expect(between(10, 20)).toBe(50);
});

test('what the queue says of itself stays as it was', async () => {
  const { clock, engine } = startBusy(BUSY);
  const before = engine.queues.get(QUEUE);
  await clock.advanceBy(SECOND_MS);
  expect(engine.queues.get(QUEUE)).toEqual(before);
});

test('another failure than 429 and 503 slows nothing', async () => {
  const { clock, between } = startBusy({ kind: 'response', httpStatus: 500 });
  await clock.advanceBy(10 * SECOND_MS);
  expect(between(0, 10)).toBe(50);
});

test('a queue whose emulator was told so is never slowed down', async () => {
  const { clock, between } = startBusy(BUSY, { hasBackPressure: false });
  await clock.advanceBy(10 * SECOND_MS);
  expect(between(0, 10)).toBe(50);
});

test('new settings keep the pressure', async () => {
  const { clock, engine, between } = startBusy(BUSY);
  await clock.advanceBy(SECOND_MS);
  engine.queues.update({ name: QUEUE, rateLimits: { maxDispatchesPerSecond: 10 } });
  await clock.advanceBy(4 * SECOND_MS);
  expect(between(1, 5)).toBe(20);
});

test('a task waits as long as the target asked, but no longer than its queue allows', async () => {
  const answers = [60_000, 1, 3_600_000];
  const { create, clock, deliveries } = startEngine({
    answer: () => ({ ...BUSY, retryAfterMs: answers.shift() ?? 0 }),
    queue: { retryConfig: { maxAttempts: 4, minBackoffMs: 10_000, maxBackoffMs: 300_000 } },
  });
  create('a');
  await clock.advanceBy(3_600_000);
  expect(deliveries.map(({ at }) => at / SECOND_MS)).toEqual([0, 60, 80, 380]);
});
