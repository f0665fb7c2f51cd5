import { expect, test } from 'vitest';
import { ActivityLog } from '../../../emulator/admin/activity-log.ts';
import type { DispatchResult } from '../../../emulator/core/dispatch.ts';
import { OK, QUEUE_NAME, startFaultyEngine } from './fixture.ts';
import type { FaultyEngine } from './fixture.ts';

const BUSY: DispatchResult = { kind: 'response', httpStatus: 503 };

function startLogged(
  loggingSamplingRatio: number | undefined,
  seed = 1,
): FaultyEngine & { log: ActivityLog } {
  const retryConfig = { minBackoffMs: 10_000, maxBackoffMs: 10_000, maxAttempts: 5 };
  const fixture = startFaultyEngine({
    queue: { retryConfig, ...(loggingSamplingRatio !== undefined && { loggingSamplingRatio }) },
    answer: ({ attempt }) => (attempt === 1 ? BUSY : OK),
  });
  const log = new ActivityLog((name) => fixture.engine.queues.find(name), seed);
  fixture.engine.observe(log.listener);
  return { ...fixture, log };
}

const TASK = `${QUEUE_NAME}/tasks/t`;
const [, project = '', , location = '', , queueId = ''] = QUEUE_NAME.split('/');

test('a queue with the ratio 1 writes the creation, each dispatch and each response, as the service does', async () => {
  const { create, clock, log } = startLogged(1);
  create('t');
  await clock.advanceBy(20_000);
  const aim = { targetAddress: 'POST https://worker.example/', targetType: 'HTTP' };
  const [time, retry] = ['2026-01-01T00:00:00.000Z', '2026-01-01T00:00:10.000Z'];
  const of = (entry: object): object => ({
    '@type': 'type.googleapis.com/google.cloud.tasks.logging.v1.TaskActivityLog',
    task: TASK,
    ...entry,
  });
  const entries = log.entries();
  expect(entries.map(({ jsonPayload }) => jsonPayload)).toEqual([
    of({ taskCreationLog: { scheduleTime: time, status: 'OK', ...aim } }),
    of({
      attemptDispatchLog: {
        scheduleTime: time,
        dispatchCount: '1',
        responseCount: '0',
        maxAttempts: 5,
        ...aim,
      },
    }),
    of({
      attemptResponseLog: {
        attemptDuration: '0.000000s',
        scheduleTime: time,
        retryTime: retry,
        status: 'UNAVAILABLE',
        dispatchCount: '1',
        responseCount: '1',
        maxAttempts: 5,
        ...aim,
      },
    }),
    of({
      attemptDispatchLog: {
        scheduleTime: retry,
        dispatchCount: '2',
        responseCount: '1',
        maxAttempts: 5,
        ...aim,
      },
    }),
    of({
      attemptResponseLog: {
        attemptDuration: '0.000000s',
        scheduleTime: retry,
        status: 'OK',
        dispatchCount: '2',
        responseCount: '2',
        maxAttempts: 5,
        ...aim,
      },
    }),
  ]);
  expect(entries.map(({ severity }) => severity)).toEqual(['DEBUG', 'DEBUG', 'ERROR', 'DEBUG', 'DEBUG']);
  expect(entries[3]).toMatchObject({
    logName: `projects/${project}/logs/cloudtasks.googleapis.com%2Ftask_operations_log`,
    resource: { type: 'cloud_tasks_queue', labels: { project_id: project, location, queue_id: queueId } },
    timestamp: retry,
  });
});

test.each([undefined, 0])('a queue with the ratio %s writes nothing', async (ratio) => {
  const { create, clock, log } = startLogged(ratio);
  create('t');
  await clock.advanceBy(20_000);
  expect(log.entries()).toEqual([]);
});

test('a ratio between writes that share, and the same one for the same seed', async () => {
  const written = async (): Promise<readonly string[]> => {
    const { create, clock, log } = startLogged(0.25, 7);
    for (let n = 0; n < 200; n += 1) create(`t${n}`);
    await clock.advanceBy(60_000);
    return log.entries().map(({ jsonPayload }) => JSON.stringify(jsonPayload));
  };
  const first = await written();
  expect(first.length).toBeGreaterThan(180);
  expect(first.length).toBeLessThan(320);
  expect(await written()).toEqual(first);
});

test('the entries of one queue or task can be asked for, and all can be forgotten', async () => {
  const { create, clock, log } = startLogged(1);
  for (const id of ['a', 'b']) create(id);
  await clock.advanceBy(20_000);
  expect(log.entries({ taskName: 'a' })).toHaveLength(5);
  expect(log.entries({ queue: QUEUE_NAME })).toHaveLength(10);
  expect(log.entries({ queue: 'other' })).toEqual([]);
  log.clear();
  expect(log.entries()).toEqual([]);
});
