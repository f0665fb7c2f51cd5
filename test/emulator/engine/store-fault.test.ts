import { expect, onTestFinished, test } from 'vitest';
import { SqliteStore } from '../../../emulator/store/sqlite.ts';
import { LOCATION } from '../samples.ts';
import { dataFile, withDisk } from '../store/unwritable.ts';
import type { Disk } from '../store/unwritable.ts';
import { OK, START, startEngine } from './fixture.ts';
import type { EngineFixture, EngineFixtureOptions } from './fixture.ts';

const SECOND = 1000;

async function startOnDisk(
  file: string,
  options: EngineFixtureOptions = {},
): Promise<EngineFixture & { disk: Disk; close: () => Promise<void> }> {
  const { opened: store, disk } = await withDisk(() => new SqliteStore(file, START));
  onTestFinished(() => store.close());
  const fixture = startEngine({ ...options, store });
  const close = async (): Promise<void> => {
    await fixture.engine.close();
    store.close();
  };
  return { ...fixture, disk, close };
}

const kindsOf = ({ events }: EngineFixture): string[] =>
  events.map(({ kind }) => kind).filter((kind) => kind.startsWith('store'));

test('no attempt starts while the store cannot be written, which is told once; then all goes on by itself', async () => {
  const fixture = await startOnDisk(dataFile(), { answer: () => OK });
  fixture.create('t', { scheduleAt: START + SECOND });
  fixture.disk.lock();
  await fixture.clock.advanceBy(10 * SECOND);
  expect(fixture.deliveries).toEqual([]);
  expect(kindsOf(fixture)).toEqual(['storeFailed']);
  fixture.disk.free();
  await fixture.clock.advanceBy(SECOND);
  expect(fixture.deliveries.map(({ task }) => task.name)).toEqual([fixture.taskName('t')]);
  expect(kindsOf(fixture)).toEqual(['storeFailed', 'storeRecovered']);
  expect(fixture.engine.nextDueAt('all')).toBeUndefined();
});

test('an attempt whose end cannot be kept is out until it can be, and is not made again', async () => {
  const fixture = await startOnDisk(dataFile(), { queue: { rateLimits: { maxConcurrentDispatches: 1 } } });
  fixture.create('t');
  fixture.create('next');
  await fixture.clock.advanceBy(0);
  fixture.disk.lock();
  fixture.deliveries[0]?.end(OK);
  await fixture.clock.advanceBy(10 * SECOND);
  expect(fixture.events.filter(({ kind }) => kind === 'attemptEnded')).toEqual([]);
  expect(fixture.deliveries).toHaveLength(1);
  fixture.disk.free();
  await fixture.clock.advanceBy(SECOND);
  expect(fixture.events.filter(({ kind }) => kind === 'attemptEnded')).toMatchObject([
    { attempt: 1, outcome: 'completed' },
  ]);
  expect(fixture.deliveries.map(({ task }) => task.name)).toEqual(['t', 'next'].map(fixture.taskName));
});

test('when the process ends before the end of an attempt could be kept, the task is delivered again', async () => {
  const file = dataFile();
  const first = await startOnDisk(file);
  first.create('t');
  await first.clock.advanceBy(0);
  first.disk.lock();
  first.deliveries[0]?.end(OK);
  await first.clock.advanceBy(SECOND);
  await first.close();

  const second = await startOnDisk(file, { answer: () => OK });
  await second.clock.advanceBy(0);
  expect(second.deliveries.map(({ task }) => task.dispatchCount)).toEqual([1]);
});

test('what is asked for is refused as UNAVAILABLE, and taken when the store can be written again', async () => {
  const fixture = await startOnDisk(dataFile());
  const later = { scheduleAt: START + 60 * SECOND };
  fixture.create('t', later);
  fixture.disk.lock();
  const name = fixture.taskName('t');
  const requests = [
    () => fixture.create('u', later),
    () => fixture.engine.tasks.run(name),
    () => fixture.engine.tasks.delete(name),
    () => fixture.engine.queues.create(LOCATION, { name: `${LOCATION}/queues/more` }),
  ];
  for (const request of requests) expect(request).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
  fixture.disk.free();
  expect(fixture.engine.tasks.run(name).dispatchCount).toBe(1);
  for (const request of requests) expect(request).not.toThrow();
});

test('a pull task whose lease could not be kept can be leased as soon as it can be', async () => {
  const fixture = await startOnDisk(dataFile());
  const queue = `${LOCATION}/queues/pull`;
  fixture.engine.queues.create(LOCATION, { name: queue, isPull: true });
  fixture.engine.tasks.create(queue, { target: { kind: 'pull', body: new Uint8Array(1) } });
  const lease = (): readonly unknown[] =>
    fixture.engine.leases.lease(queue, { maxTasks: 1, leaseMs: 10 * SECOND, filter: '' });
  fixture.disk.lock();
  expect(lease).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
  fixture.disk.free();
  expect(lease()).toHaveLength(1);
  expect(lease()).toEqual([]);
});
