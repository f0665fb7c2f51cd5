import { expect, test } from 'vitest';
import { AttemptLog } from '../../../emulator/admin/attempt-log.ts';
import { Graveyard } from '../../../emulator/admin/graveyard.ts';
import type { Exchange } from '../../../emulator/core/exchange.ts';
import { startEngine, FAILED, OK } from '../engine/fixture.ts';
import type { Delivery } from '../engine/fixture.ts';
import { sampleRequest, sampleTask } from '../samples.ts';

const exchange: Exchange = {
  method: 'POST',
  url: 'https://worker.example/',
  headers: {},
  body: Buffer.from('{}'),
  response: { httpStatus: 500, headers: {}, body: Buffer.from('no'), isTruncated: false },
};

test('it tells of attempts that are out, have ended, and whose task is gone', async () => {
  const { engine, clock, create, deliveries, taskName } = startEngine();
  const log = new AttemptLog();
  engine.observe(log.listener);
  create('a');
  await clock.advanceBy(0);
  const [first] = deliveries;
  expect(log.attempts()).toEqual([
    {
      queueName: first?.queue.name,
      taskName: taskName('a'),
      attempt: 1,
      url: 'https://worker.example/',
      startedAt: clock.now(),
      deliveries: [],
    },
  ]);
  log.exchanged(first as Delivery, exchange);
  first?.end(FAILED);
  await clock.advanceBy(100);
  deliveries[1]?.end(OK);
  await clock.advanceBy(0);
  expect(engine.tasks.list(first?.queue.name ?? '').tasks).toEqual([]);
  expect(log.attempts({ taskName: 'a' })).toMatchObject([
    { attempt: 1, outcome: 'retry', result: FAILED, deliveries: [exchange] },
    { attempt: 2, outcome: 'completed', result: OK, endedAt: clock.now() },
  ]);
  expect(log.attempts({ attempt: 2 })).toHaveLength(1);
  expect(log.deliveries({ url: 'worker.example' })).toMatchObject([{ attempt: 1, taskName: taskName('a') }]);
});

test('ten thousand attempts are kept, the newest', () => {
  const log = new AttemptLog();
  for (let n = 1; n <= 10_005; n += 1) {
    log.listener({ kind: 'attemptStarted', at: n, task: sampleTask({ id: `t${n}`, dispatchCount: 1 }) });
    log.exchanged(sampleRequest({ name: sampleTask({ id: `t${n}` }).name }), exchange);
  }
  expect(log.attempts()).toHaveLength(10_000);
  expect(log.deliveries()).toHaveLength(10_000);
  expect(log.attempts()[0]?.startedAt).toBe(6);
  log.exchanged(sampleRequest({ name: sampleTask({ id: 't1' }).name }), exchange);
  expect(log.attempts()).toHaveLength(10_000);
});

test('what comes of a time before a clearing is passed over', () => {
  const log = new AttemptLog();
  log.listener({ kind: 'attemptStarted', at: 1, task: sampleTask({ dispatchCount: 1 }) });
  log.clear();
  log.exchanged(sampleRequest(), exchange);
  expect(log.attempts()).toEqual([]);
  expect(log.deliveries()).toEqual([]);
});

test('a thousand dead tasks are kept, the newest', async () => {
  const { engine, clock, create } = startEngine({
    answer: () => FAILED,
    queue: { retryConfig: { maxAttempts: 1 } },
  });
  const attempts = new AttemptLog();
  const graveyard = new Graveyard({ tasks: engine.tasks, attempts });
  engine.observe(attempts.listener);
  engine.observe(graveyard.listener);
  for (let n = 1; n <= 1002; n += 1) create(`t${n}`);
  await clock.advanceBy(10_000);
  expect(graveyard.list()).toHaveLength(1000);
  expect(graveyard.list({ queue: 'other' })).toEqual([]);
  expect(graveyard.list({ queue: 'my-queue' })[0]?.task.name).toMatch(/t3$/);
  expect(graveyard.list()[0]).not.toHaveProperty('lastDelivery');
});
