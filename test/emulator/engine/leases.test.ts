import { describe, expect, test } from 'vitest';
import type { LeaseRequest } from '../../../emulator/engine/leases.ts';
import { MemoryStore } from '../../../emulator/store/memory.ts';
import { apiError, invalidField } from '../api-error.ts';
import { QUEUE } from '../samples.ts';
import { START, startEngine } from './fixture.ts';
import type { EngineFixture } from './fixture.ts';

const MINUTE_MS = 60_000;

function pullQueue(store = new MemoryStore()): EngineFixture & { add: (id: string, tag?: string) => void } {
  const fixture = startEngine({ queue: { isPull: true }, store });
  return { ...fixture, add: (id, tag) => fixture.create(id, { target: { kind: 'pull', tag } }) };
}

function lease({ engine }: EngineFixture, request: Partial<LeaseRequest> = {}): string[] {
  const tasks = engine.leases.lease(QUEUE, { maxTasks: 10, leaseMs: MINUTE_MS, filter: '', ...request });
  return tasks.map(({ name }) => name.slice(name.lastIndexOf('/') + 1));
}

describe('a pull queue', () => {
  test('leases each task to one worker, and again when the lease has ended', async () => {
    const queue = pullQueue();
    for (const id of ['a', 'b', 'c']) queue.add(id);
    expect(lease(queue, { maxTasks: 2 })).toEqual(['a', 'b']);
    expect(lease(queue)).toEqual(['c']);
    expect(lease(queue)).toEqual([]);
    await queue.clock.advanceBy(MINUTE_MS);
    expect(lease(queue)).toEqual(['a', 'b', 'c']);
    expect(queue.engine.tasks.get(queue.taskName('a'))).toMatchObject({
      dispatchCount: 2,
      scheduleAt: START + 2 * MINUTE_MS,
    });
    expect(queue.deliveries).toEqual([]);
  });

  test('deletes what is acknowledged by whoever holds the lease, and by nobody else', async () => {
    const queue = pullQueue();
    queue.add('a');
    lease(queue);
    const [name, until] = [queue.taskName('a'), START + MINUTE_MS];
    const notHeld = apiError(
      'FAILED_PRECONDITION',
      "The task is not leased until this schedule_time: the lease ended, or is somebody else's.",
    );
    expect(() => queue.engine.leases.acknowledge(name, until + 0.001)).toThrow(notHeld);
    await queue.clock.advanceBy(MINUTE_MS);
    expect(() => queue.engine.leases.acknowledge(name, until)).toThrow(notHeld);
    lease(queue);
    queue.engine.leases.acknowledge(name, until + MINUTE_MS);
    expect(() => queue.engine.leases.acknowledge(name, until + MINUTE_MS)).toThrow(
      apiError('NOT_FOUND', 'Requested entity was not found.'),
    );
  });

  test('prolongs a lease from now, and takes back a lease that is cancelled', async () => {
    const queue = pullQueue();
    queue.add('a');
    lease(queue);
    await queue.clock.advanceBy(1000);
    const renewed = queue.engine.leases.renew(queue.taskName('a'), START + MINUTE_MS, 2 * MINUTE_MS);
    expect(renewed.scheduleAt).toBe(START + 1000 + 2 * MINUTE_MS);
    await queue.clock.advanceBy(MINUTE_MS);
    expect(lease(queue)).toEqual([]);
    queue.engine.leases.cancel(queue.taskName('a'), renewed.scheduleAt);
    expect(lease(queue)).toEqual(['a']);
  });

  test('leases by tag, or by the tag of the oldest task', () => {
    const queue = pullQueue();
    for (const [id, tag] of [
      ['a', 'x'],
      ['b', 'y'],
      ['c', 'x'],
      ['d', 'y'],
    ] as const)
      queue.add(id, tag);
    expect(lease(queue, { filter: 'tag=y', maxTasks: 1 })).toEqual(['b']);
    expect(lease(queue, { filter: 'tag_function=oldest_tag()' })).toEqual(['a', 'c']);
    expect(() => lease(queue, { filter: 'colour=red' })).toThrow(invalidField('filter', 'Write tag=TAG'));
  });

  test('gives up a task that was leased as often as the queue allows', async () => {
    const fixture = startEngine({ queue: { isPull: true, retryConfig: { maxAttempts: 2 } } });
    const add = (id: string, tag: string): void => fixture.create(id, { target: { kind: 'pull', tag } });
    add('a', 'x');
    for (let nth = 0; nth < 2; nth++) {
      expect(lease(fixture)).toEqual(['a']);
      await fixture.clock.advanceBy(MINUTE_MS);
    }
    add('b', 'x');
    // A worker that asks for one gets one: the next, and by its tag as well.
    expect(lease(fixture, { maxTasks: 1, filter: 'tag=x' })).toEqual(['b']);
    expect(fixture.events.filter(({ kind }) => kind === 'taskDeleted')).toMatchObject([
      { taskName: fixture.taskName('a'), reason: 'exhausted' },
    ]);
    expect(() => fixture.engine.tasks.get(fixture.taskName('a'))).toThrow(
      'The task no longer exists, though a task with this name existed recently.',
    );
  });

  test('leases a task without end where attempts have no limit', async () => {
    const fixture = startEngine({ queue: { isPull: true, retryConfig: { maxAttempts: -1 } } });
    fixture.create('a', { target: { kind: 'pull' } });
    for (let nth = 0; nth < 200; nth++) {
      expect(lease(fixture)).toEqual(['a']);
      await fixture.clock.advanceBy(MINUTE_MS);
    }
  });

  test('leases no more at once than the 32 MB of one answer, and the rest to whoever asks next', () => {
    const queue = pullQueue();
    const ids = Array.from({ length: 40 }, (_, index) => `t${index}`);
    const body = new Uint8Array(1_000_000);
    for (const id of ids) queue.create(id, { target: { kind: 'pull', body } });
    const first = lease(queue, { maxTasks: 1000 });
    expect(first.length).toBe(31);
    expect([...first, ...lease(queue, { maxTasks: 1000 })]).toEqual(ids);
  });

  test('hands out nothing while it is paused', () => {
    const queue = pullQueue();
    queue.add('a');
    queue.engine.queues.pause(QUEUE);
    expect(lease(queue)).toEqual([]);
    queue.engine.queues.resume(QUEUE);
    expect(lease(queue)).toEqual(['a']);
  });

  test('keeps its leases when the emulator starts again on the same store', () => {
    const store = new MemoryStore();
    const queue = pullQueue(store);
    queue.add('a');
    lease(queue);
    const again = startEngine({ store });
    expect(lease(again)).toEqual([]);
  });

  test('takes pull messages only, cannot be run, and leases for a second to a week', () => {
    const queue = pullQueue();
    expect(() => queue.create('a')).toThrow(
      apiError('INVALID_ARGUMENT', 'A pull queue takes pull messages only; set Task.pull_message.'),
    );
    queue.add('a');
    expect(() => queue.engine.tasks.run(queue.taskName('a'))).toThrow(
      apiError('FAILED_PRECONDITION', 'RunTask cannot be called on a pull task.'),
    );
    for (const leaseMs of [undefined, 0, 999, 8 * 86_400_000]) {
      expect(() => lease(queue, { leaseMs })).toThrow(
        invalidField('lease_duration', 'from 1 second to 1 week'),
      );
    }
  });

  test('is the only kind of queue to lease from', () => {
    expect(() => lease(startEngine())).toThrow(
      apiError('FAILED_PRECONDITION', 'Tasks can be leased from a pull queue only.'),
    );
  });
});
