import { expect, test } from 'vitest';
import { Production } from '../../../emulator/engine/production.ts';
import type { Warning } from '../../../emulator/engine/production.ts';
import { QUEUE } from '../samples.ts';
import { openStore } from '../store/opened-store.ts';
import { dataFile } from '../store/unwritable.ts';
import { FAILED, OK, startEngine } from './fixture.ts';
import type { EngineFixture, EngineFixtureOptions } from './fixture.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** A queue of 40 a second that starts slowly. */
function startCold(options: EngineFixtureOptions = {}) {
  const fixture = startEngine({
    settings: { hasSlowStart: true },
    queue: { rateLimits: { maxDispatchesPerSecond: 40 } },
    answer: () => OK,
    ...options,
  });
  let count = 0;
  const createMany = (more: number): void => {
    for (const end = count + more; count < end; count += 1) fixture.create(`t${count}`);
  };
  return { ...fixture, createMany };
}

/** How many leave in so many ms. */
async function sentIn(ms: number, { clock, deliveries }: EngineFixture): Promise<number> {
  const before = deliveries.length;
  await clock.advanceBy(ms);
  return deliveries.length - before;
}

function rate({ engine }: EngineFixture): number {
  return engine.queues.stats(QUEUE).effectiveRate;
}

test('a new queue sends ten at once and ten a second, and comes up to its rate by what succeeds', async () => {
  const fixture = startCold();
  fixture.createMany(2000);
  expect(await sentIn(0, fixture)).toBe(10);
  expect(rate(fixture)).toBe(10);
  expect(await sentIn(SECOND_MS, fixture)).toBe(10);
  await fixture.clock.advanceBy(30 * SECOND_MS);
  expect(rate(fixture)).toBeGreaterThan(15);
  expect(rate(fixture)).toBeLessThan(30);
  await fixture.clock.advanceBy(35 * SECOND_MS);
  expect(rate(fixture)).toBe(40);
  expect(await sentIn(SECOND_MS, fixture)).toBe(40);
});

test('what fails brings no queue up to its rate', async () => {
  const fixture = startCold({
    answer: () => FAILED,
    queue: { rateLimits: { maxDispatchesPerSecond: 40 }, retryConfig: { maxAttempts: 1 } },
  });
  fixture.createMany(2000);
  await fixture.clock.advanceBy(2 * MINUTE_MS);
  expect(rate(fixture)).toBe(10);
});

test('a queue that was resumed, and one that was idle for a minute, are cold again', async () => {
  const fixture = startCold();
  fixture.createMany(2000);
  await fixture.clock.advanceBy(65 * SECOND_MS);
  expect(rate(fixture)).toBe(40);
  fixture.engine.queues.pause(QUEUE);
  fixture.engine.queues.resume(QUEUE);
  expect(rate(fixture)).toBe(10);
  expect(await sentIn(SECOND_MS, fixture)).toBeLessThanOrEqual(20);

  await fixture.clock.advanceBy(5 * MINUTE_MS);
  expect(fixture.engine.queues.stats(QUEUE).taskCount).toBe(0);
  fixture.createMany(100);
  expect(await sentIn(SECOND_MS, fixture)).toBe(20);
});

test('what the queue says of itself stays as it was, and RunTask is not held back', async () => {
  const fixture = startCold();
  const before = fixture.engine.queues.get(QUEUE);
  fixture.createMany(100);
  await fixture.clock.advanceBy(0);
  fixture.engine.tasks.run(fixture.taskName('t99'));
  expect(fixture.deliveries).toHaveLength(11);
  expect(fixture.engine.queues.get(QUEUE)).toEqual(before);
});

test('unless it is asked for, a new queue sends at its rate', async () => {
  const fixture = startCold({ settings: {} });
  fixture.createMany(500);
  expect(await sentIn(SECOND_MS, fixture)).toBe(50);
});

test('it is told once when tasks wait for it, and not of a queue whose tasks need not wait', async () => {
  const warnings: Warning[] = [];
  const production = new Production({ onWarning: (warning) => warnings.push(warning) });
  const fixture = startCold({ production });
  const told = () => fixture.events.filter(({ kind }) => kind === 'queueSlowed');
  fixture.create('one', { target: { kind: 'http', url: 'https://worker.example/', method: 'GET' } });
  await fixture.clock.advanceBy(SECOND_MS);
  expect(told()).toEqual([]);
  fixture.createMany(100);
  await fixture.clock.advanceBy(SECOND_MS);
  expect(told()).toMatchObject([{ reason: 'slowStart', effectiveRate: 10.025 }]);
  expect(warnings.filter(({ kind }) => kind === 'slow-start')).toHaveLength(1);
});

test('after a restart each queue is cold, whatever its file holds', async () => {
  const file = dataFile();
  const store = openStore(file);
  const first = startCold({ store });
  first.createMany(2000);
  await first.clock.advanceBy(65 * SECOND_MS);
  expect(rate(first)).toBe(40);
  await first.engine.close();
  store.close();

  const second = startCold({ store: openStore(file) });
  expect(second.engine.queues.stats(QUEUE).taskCount).toBeGreaterThan(0);
  expect(rate(second)).toBe(10);
  expect(second.engine.queues.get(QUEUE).rateLimits.maxDispatchesPerSecond).toBe(40);
});
