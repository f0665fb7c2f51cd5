import type { Firestore } from '@google-cloud/firestore';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import type { TaskDelivery } from '../../lib/core/delivery.ts';
import { iterativeTask, repeatTask, task, terminateTask } from '../../lib/index.ts';
import { runTask } from '../../lib/run-task.ts';
import { startOn } from '../../lib/start-task.ts';
import { takeStart } from '../../lib/start-run.ts';
import { attempt } from '../support/attempts.ts';
import { testFirestore } from '../support/firestore.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';

const params = z.object({ n: z.number().default(1) });
const delivery: TaskDelivery = { kind: 'task', id: 'x', params: { n: 2 }, repeat: 0 };
const base = { name: 'once', queue: 'default', params };
const child = task({ ...base, name: 'child', queue: 'children', run: () => {} });
const walk = iterativeTask({
  ...base,
  name: 'walk',
  query: (_: unknown, db: Firestore) => db.collection('things'),
  page: () => {},
});

let ports: TestPorts;

beforeEach(() => {
  ports = testPorts(testFirestore());
});

test('terminateTask ends the task and tells the log why', async () => {
  const once = task({ ...base, run: () => terminateTask('already sent') });
  expect(await runTask(once, delivery, ports, { queueId: 'default' })).toBe('terminated');
  expect(ports.log.entries).toEqual([
    expect.objectContaining({ severity: 'INFO', message: 'The task terminated: already sent' }),
  ]);
});

test('repeatTask starts it again later, once, in the same queue, however often the delivery comes', async () => {
  const once = task({ ...base, run: () => repeatTask({ after: 60 }) });
  const startedAt = Date.now();
  expect(await runTask(once, delivery, ports, { queueId: 'chosen' })).toBe('repeated');
  expect(await runTask(once, delivery, ports, { queueId: 'chosen' })).toBe('repeated');
  expect(ports.queue.tasks).toHaveLength(1);
  expect(ports.queue.tasks[0]).toMatchObject({
    queue: 'chosen',
    worker: 'once',
    delivery: { ...delivery, repeat: 1 },
  });
  expect(ports.queue.tasks[0]?.at).toBeGreaterThanOrEqual(startedAt + 60_000);
  expect(await runTask(once, { ...delivery, repeat: 1 }, ports, { queueId: 'chosen' })).toBe('repeated');
  expect(ports.queue.tasks).toHaveLength(2);
});

test('what it starts is enqueued after it returned, once, and not at all if it fails', async () => {
  let isBroken = true;
  const once = task({
    ...base,
    run({ n }, ctx) {
      ctx.start(child, { n }, { queue: 'other', delay: 5 });
      ctx.start(walk, {});
      expect(ctx.idempotencyKey).toBe('x-0');
      if (isBroken) throw new Error('not yet');
    },
  });
  await expect(runTask(once, delivery, ports, { queueId: 'default' })).rejects.toThrow('not yet');
  expect(ports.queue.tasks).toEqual([]);
  isBroken = false;
  await runTask(once, delivery, ports, { queueId: 'default' });
  await runTask(once, delivery, ports, { queueId: 'default' });
  expect(ports.queue.tasks.map(({ queue, worker }) => [queue, worker])).toEqual([
    ['other', 'child'],
    ['default', 'walk'],
  ]);
});

test('a walk that a task starts becomes a run when its delivery comes, and one run when it comes twice', async () => {
  const once = task({ ...base, run: (_, ctx) => ctx.start(walk, {}) });
  await runTask(once, delivery, ports, { queueId: 'default' });
  const start = ports.queue.tasks[0]?.delivery;
  if (start?.kind !== 'start') expect.fail('no start was enqueued');
  expect(await takeStart(walk, start, ports)).toBe('started');
  expect(await takeStart(walk, start, ports)).toBe('exists');
  const run = await ports.store.getRun(start.run);
  expect(run?.run).toMatchObject({ task: 'walk', state: 'starting', startedBy: 'x/0' });
  expect(ports.queue.tasks.map((queued) => queued.delivery.kind)).toEqual(['start', 'prepare']);
});

test('startTask takes a queue, a delay and a key that makes it idempotent', async () => {
  const options = { queue: 'other', delay: 60, idempotencyKey: 'k', startedBy: 'test' };
  const [first, second] = [
    await startOn(ports, child, {}, options),
    await startOn(ports, child, {}, options),
  ];
  expect(second).toEqual({ ...first, existed: true });
  expect(ports.queue.tasks).toHaveLength(1);
  expect(ports.queue.tasks[0]).toMatchObject({ queue: 'other', worker: 'child', delivery: { params: {} } });
  const other = await startOn(ports, child, {}, { startedBy: 'test' });
  expect(other).not.toEqual(first);
});

test('parameters that do not fit are refused where they are started', async () => {
  await expect(startOn(ports, child, { n: 'x' } as never, { startedBy: 'test' })).rejects.toMatchObject({
    code: 'invalid-parameters',
  });
  expect(ports.queue.tasks).toEqual([]);
});

test('a failure is recorded when it was the last attempt, whatever it was, and the queue is told that it failed', async () => {
  const errors = [new Error('refused'), Object.assign(new Error('gone'), { code: 14, details: 'gone' })];
  const once = task({
    ...base,
    run() {
      throw errors.pop();
    },
  });
  const recorded = async (): Promise<unknown> =>
    (await ports.store.db.doc('pageturnerFailures/x').get()).get('message');
  const early = { queueId: 'default', attempt: attempt(1) };
  const last = { queueId: 'default', attempt: attempt(1, { isLast: async () => true }) };
  await expect(runTask(once, delivery, ports, early)).rejects.toThrow('gone');
  expect(await recorded()).toBeUndefined();
  await expect(runTask(once, delivery, ports, last)).rejects.toThrow('refused');
  expect(await recorded()).toBe('refused');
  expect(ports.log.entries).toEqual([
    expect.objectContaining({ severity: 'ERROR', message: 'The last attempt of the task failed: refused' }),
  ]);
});

test('a last attempt whose parameters do not fit any more is recorded too', async () => {
  const once = task({ ...base, run: () => {} });
  const misfit = { ...delivery, params: { n: 'two' } };
  const last = { queueId: 'default', attempt: attempt(1, { isLast: async () => true }) };
  await expect(runTask(once, misfit, ports, last)).rejects.toMatchObject({ code: 'invalid-parameters' });
  expect((await ports.store.db.doc('pageturnerFailures/x').get()).get('message')).toContain('n: ');
});
