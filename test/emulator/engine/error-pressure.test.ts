import { expect, test } from 'vitest';
import type { EngineSettings } from '../../../emulator/engine/engine.ts';
import type { TaskStore } from '../../../emulator/store/store.ts';
import { QUEUE } from '../samples.ts';
import { openStore } from '../store/opened-store.ts';
import { dataFile } from '../store/unwritable.ts';
import { FAILED, OK, startEngine } from './fixture.ts';

const SECOND_MS = 1000;

/** A queue of 20 a second whose attempts fail while `target.isBroken`. */
function startBroken(settings: Partial<EngineSettings>, store?: TaskStore) {
  const target = { isBroken: true };
  const fixture = startEngine({
    settings,
    answer: () => (target.isBroken ? FAILED : OK),
    queue: { rateLimits: { maxDispatchesPerSecond: 20 }, retryConfig: { maxAttempts: 1 } },
    ...(store !== undefined && { store }),
  });
  for (let n = 0; n < 500; n += 1) fixture.create(`t${n}`);
  return { ...fixture, target, rate: () => fixture.engine.queues.stats(QUEUE).effectiveRate };
}

test('a queue whose attempts fail slows down second by second, and is whole a minute after they succeed', async () => {
  const { clock, target, rate, events } = startBroken({ hasErrorPressure: true });
  await clock.advanceBy(0);
  expect(rate()).toBe(10);
  await clock.advanceBy(1100);
  expect(rate()).toBe(5);
  expect(events.filter(({ kind }) => kind === 'queueSlowed')).toMatchObject([
    { reason: 'errors', effectiveRate: 10 },
    { reason: 'errors', effectiveRate: 5 },
  ]);
  target.isBroken = false;
  await clock.advanceBy(30 * SECOND_MS);
  expect(rate()).toBe(20);
});

test('a queue of which fewer than half of the attempts fail keeps its rate', async () => {
  const { clock, create, engine } = startEngine({
    settings: { hasErrorPressure: true },
    answer: ({ task }) => (task.name.endsWith('0') ? FAILED : OK),
    queue: { rateLimits: { maxDispatchesPerSecond: 20 }, retryConfig: { maxAttempts: 1 } },
  });
  for (let n = 1; n <= 200; n += 1) create(`t${n}`);
  await clock.advanceBy(10 * SECOND_MS);
  expect(engine.queues.stats(QUEUE)).toMatchObject({ effectiveRate: 20, taskCount: 0 });
});

test('unless it is asked for, failures slow nothing', async () => {
  const { clock, rate } = startBroken({});
  await clock.advanceBy(SECOND_MS);
  expect(rate()).toBe(20);
});

test('after a restart a queue is under no pressure', async () => {
  const file = dataFile();
  const store = openStore(file);
  const first = startBroken({ hasErrorPressure: true }, store);
  await first.clock.advanceBy(0);
  expect(first.rate()).toBe(10);
  await first.engine.close();
  store.close();
  const { engine } = startEngine({ settings: { hasErrorPressure: true }, store: openStore(file) });
  expect(engine.queues.stats(QUEUE).effectiveRate).toBe(20);
});
