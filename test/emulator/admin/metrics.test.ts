import { expect, test } from 'vitest';
import { Metrics } from '../../../emulator/admin/metrics.ts';
import { OK, QUEUE_NAME, startFaultyEngine } from './fixture.ts';

const [, project = '', , location = '', , queueId = ''] = QUEUE_NAME.split('/');
const LABELS = `project_id="${project}",location="${location}",queue_id="${queueId}"`;

test('depth, attempts, delays and calls are told by the names of Cloud Monitoring', async () => {
  const { engine, create, clock } = startFaultyEngine({
    queue: { rateLimits: { maxDispatchesPerSecond: 0.5 }, retryConfig: { minBackoffMs: 3_600_000 } },
    answer: ({ id }) => (id === 't0' ? { kind: 'response', httpStatus: 500 } : OK),
  });
  const metrics = new Metrics({
    listQueues: () => [{ name: QUEUE_NAME }],
    stats: (name) => engine.queues.stats(name),
  });
  engine.observe(metrics.listener);
  for (let n = 0; n < 12; n += 1) create(`t${n}`);
  metrics.called('CreateTask', 'OK');
  metrics.called('CreateTask', 'OK');
  metrics.called('GetTask', 'NOT_FOUND');
  // Ten go at once; the bucket gives one each two seconds to the others.
  await clock.advanceBy(60_000);
  const lines = metrics.text().split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      '# TYPE cloudtasks_googleapis_com:queue_depth gauge',
      `cloudtasks_googleapis_com:queue_depth{${LABELS}} 1`,
      `cloudtasks_googleapis_com:queue_task_attempt_count{${LABELS},response_code="OK"} 11`,
      `cloudtasks_googleapis_com:queue_task_attempt_count{${LABELS},response_code="INTERNAL"} 1`,
      '# TYPE cloudtasks_googleapis_com:queue_task_attempt_delays histogram',
      `cloudtasks_googleapis_com:queue_task_attempt_delays_bucket{${LABELS},le="1"} 10`,
      `cloudtasks_googleapis_com:queue_task_attempt_delays_bucket{${LABELS},le="10000"} 12`,
      `cloudtasks_googleapis_com:queue_task_attempt_delays_sum{${LABELS}} 6000`,
      `cloudtasks_googleapis_com:queue_task_attempt_delays_count{${LABELS}} 12`,
      'cloudtasks_googleapis_com:api_request_count{api_method="CreateTask",response_code="OK"} 2',
      'cloudtasks_googleapis_com:api_request_count{api_method="GetTask",response_code="NOT_FOUND"} 1',
    ]),
  );
});

test('what was counted is forgotten with the rest', () => {
  const metrics = new Metrics({ listQueues: () => [], stats: () => ({ taskCount: 0, effectiveRate: 1 }) });
  metrics.called('GetTask', 'OK');
  metrics.clear();
  expect(metrics.text()).not.toContain('GetTask');
});

test('the rate that is in force, and how often it was cut and why, are told by names of their own', async () => {
  const { engine, create, clock } = startFaultyEngine({
    queue: { rateLimits: { maxDispatchesPerSecond: 20 }, retryConfig: { maxAttempts: 1 } },
    answer: () => ({ kind: 'response', httpStatus: 503 }),
  });
  const metrics = new Metrics({
    listQueues: () => [{ name: QUEUE_NAME }],
    stats: (name) => engine.queues.stats(name),
  });
  engine.observe(metrics.listener);
  create('t');
  await clock.advanceBy(0);
  expect(metrics.text().split('\n')).toEqual(
    expect.arrayContaining([
      `pageturner_emulator:queue_effective_rate{${LABELS}} 10`,
      `pageturner_emulator:queue_slowed_count{${LABELS},reason="pushback"} 1`,
    ]),
  );
});
