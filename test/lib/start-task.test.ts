import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { OutboxTask } from '../../lib/core/outbox.ts';
import { startOn } from '../../lib/start-task.ts';
import { changed } from '../support/changed.ts';
import { memoryPorts } from '../support/memory-ports.ts';
import { walk } from '../support/walk.ts';
import { child } from './walk.fixture.ts';

test.each([
  ['key', 'key is not a text'],
  ['idempotencyKey', 'The idempotency key is not a text'],
])('%s: what is no text is refused, and starts nothing', async (option, fault) => {
  const ports = memoryPorts();
  const options = { startedBy: 'test', [option]: 7 };
  await expect(startOn(ports, walk, {}, options)).rejects.toThrow(fault);
  expect(ports.queue.tasks).toEqual([]);
});

test.each([
  ['my_queue', 'queue "my_queue": a queue id has 1 to 100 letters, digits and hyphens.'],
  ['projects/p/locations/l/queues/q', 'a queue id has'],
  ['', 'queue "": a queue id has'],
  [null, 'queue null: a queue id has'],
])('queue %j, which no queue can be called, starts nothing', async (queue, message) => {
  const ports = memoryPorts();
  const options = { startedBy: 'test', queue: queue as string };
  for (const start of [startOn(ports, walk, {}, options), startOn(ports, child, { id: 'x' }, options)]) {
    await expect(start).rejects.toMatchObject({
      code: 'invalid-parameters',
      message: expect.stringContaining(message),
    });
  }
  expect(ports.queue.tasks).toEqual([]);
  expect(await ports.store.listActive(null, 1)).toEqual([]);
});

test.each([
  [{ dryrun: true }, 'The options have "dryrun", which is not known: write dryRun.'],
  [{ retries: 3 }, 'The options have "retries", which is not known: write one of queue, delay, at, key, '],
  [{ dryRun: 'false' }, 'The options have dryRun "false": write true or false.'],
  [{ dryRun: null }, 'The options have dryRun null: write true or false.'],
])('the options %j start nothing', async (options, message) => {
  const ports = memoryPorts();
  await expect(startOn(ports, walk, {}, { startedBy: 'test', ...options } as never)).rejects.toMatchObject({
    code: 'invalid-parameters',
    message: expect.stringContaining(message),
  });
  expect(ports.queue.tasks).toEqual([]);
});

test.each([
  [undefined, 'undefined is no task'],
  [{}, '{} is no task: give what task({ … }) or iterativeTask({ … }) returned.'],
  ['walk', '"walk" is no task'],
  [() => walk, 'a function is no task'],
  [{ kind: 'walk' }, '{"kind":"walk"} is no task'],
])('what is no task is not started: %j', async (given, message) => {
  await expect(startOn(memoryPorts(), given as never, {}, { startedBy: 'test' })).rejects.toMatchObject({
    code: 'invalid-parameters',
    message: expect.stringContaining(message),
  });
});

test('a run whose start died before its preparation was enqueued begins at its own time, whoever starts it again', async () => {
  const ports = memoryPorts();
  const options = { startedBy: 'test', idempotencyKey: 'one' };
  const dead = changed(ports.queue, { enqueue: () => Promise.reject(new Error('died')) });
  const at = new Date(ports.clock.now() + 3_600_000);
  await expect(startOn({ ...ports, queue: dead }, walk, {}, { ...options, at })).rejects.toThrow('died');
  expect(await startOn(ports, walk, {}, options)).toMatchObject({ existed: true });
  expect(ports.queue.tasks).toMatchObject([{ delivery: { kind: 'prepare', epoch: 0 }, at: at.getTime() }]);
});

const kinds = [
  ['iterative task', walk, {}],
  ['one-shot task', child, { id: 'x' }],
] as const;

test.each(kinds)(
  'a second start of an %s with the same idempotency key is the first, and says so',
  async (_, task, params) => {
    const ports = memoryPorts();
    const options = { startedBy: 'test', idempotencyKey: 'one' };
    const first = await startOn<z.ZodType>(ports, task, params, options);
    expect(first).not.toHaveProperty('existed');
    expect(await startOn<z.ZodType>(ports, task, params, options)).toEqual({ ...first, existed: true });
    expect(ports.queue.tasks).toHaveLength(1);
  },
);

test.each(kinds)(
  'a start of an %s without an idempotency key is its own, also where its call was repeated because the answer was lost',
  async (_, task, params) => {
    const ports = memoryPorts();
    const enqueue = async (asked: OutboxTask): Promise<'created' | 'exists'> => {
      await ports.queue.enqueue(asked);
      return await ports.queue.enqueue(asked);
    };
    const repeating = { ...ports, queue: changed(ports.queue, { enqueue }) };
    const options = { startedBy: 'test' };
    expect(await startOn<z.ZodType>(repeating, task, params, options)).not.toHaveProperty('existed');
    expect(ports.queue.tasks).toHaveLength(1);
  },
);

test('a second start of a one-shot task with the same idempotency key is dropped, whatever its parameters are', async () => {
  const ports = memoryPorts();
  const options = { startedBy: 'test', idempotencyKey: 'one' };
  const first = await startOn(ports, child, { id: 'x' }, options);
  expect(await startOn(ports, child, { id: 'y' }, options)).toEqual({ ...first, existed: true });
  expect(ports.queue.tasks).toMatchObject([{ delivery: { params: { id: 'x' } } }]);
});
