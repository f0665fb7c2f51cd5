import { expect, test } from 'vitest';
import type { Queue, QueueState } from '../../../emulator/core/model.ts';
import { queuesAfterUpload, type QueueFileEntry } from '../../../emulator/core/queue-file.ts';
import { newQueue } from '../../../emulator/core/queue-rules.ts';

const location = 'projects/p/locations/l';
const DAY_MS = 86_400_000;

function existing(id: string, state: QueueState = 'RUNNING', isPull = false): Queue {
  const input = { rateLimits: { maxDispatchesPerSecond: 7 }, loggingSamplingRatio: 0.5, isPull };
  return { ...newQueue(`${location}/queues/${id}`, input), state };
}

function entry(id: string, more: Partial<QueueFileEntry> = {}): QueueFileEntry {
  return { id, isPull: false, ratePerSecond: 5, retry: {}, ...more };
}

function uploaded(
  current: readonly Queue[],
  queues: readonly QueueFileEntry[],
  resumesPaused = true,
): readonly Queue[] {
  return queuesAfterUpload(location, current, { queues, resumesPaused });
}

test('a new queue has the defaults of App Engine, which are not those of the API', () => {
  expect(uploaded([], [entry('a'), entry('b', { isPull: true, ratePerSecond: undefined })])).toEqual([
    {
      name: `${location}/queues/a`,
      state: 'RUNNING',
      rateLimits: { maxDispatchesPerSecond: 5, maxBurstSize: 5, maxConcurrentDispatches: 1000 },
      retryConfig: {
        maxAttempts: -1,
        maxRetryDurationMs: 0,
        minBackoffMs: 100,
        maxBackoffMs: 3_600_000,
        maxDoublings: 16,
      },
      taskTtlMs: 3650 * DAY_MS,
      tombstoneTtlMs: 9 * DAY_MS,
    },
    expect.objectContaining({ name: `${location}/queues/b`, isPull: true, state: 'RUNNING' }),
  ]);
});

test('a limit of retries counts the first attempt in, no doublings are none, and a backoff draws the other along', () => {
  const [a, b] = uploaded(
    [],
    [
      entry('a', { retry: { limit: 0, maxDoublings: 0, minBackoffMs: 7_200_000 } }),
      entry('b', { retry: { maxBackoffMs: 50 }, maxConcurrentRequests: 9999 }),
    ],
  );
  expect(a?.retryConfig).toMatchObject({
    maxAttempts: 1,
    maxDoublings: 0,
    minBackoffMs: 7_200_000,
    maxBackoffMs: 7_200_000,
  });
  expect(b?.retryConfig).toMatchObject({ minBackoffMs: 50, maxBackoffMs: 50 });
  expect(b?.rateLimits.maxConcurrentDispatches).toBe(5000);
});

test('a queue that is there takes the settings of the file and keeps what no file can say', () => {
  const [queue] = uploaded([existing('a')], [entry('a', { routing: { service: 's' } })]);
  expect(queue).toMatchObject({
    rateLimits: { maxDispatchesPerSecond: 5, maxBurstSize: 5 },
    retryConfig: { maxAttempts: -1 },
    appEngineRoutingOverride: { service: 's' },
    loggingSamplingRatio: 0.5,
  });
  expect(queue).not.toHaveProperty('taskTtlMs');
});

test('queues that the file leaves out are disabled, but for the default queue and those that do not run', () => {
  const current = [existing('left-out'), existing('default'), existing('paused', 'PAUSED')];
  expect(uploaded(current, [entry('a')]).map(({ name, state }) => [name, state])).toEqual([
    [`${location}/queues/a`, 'RUNNING'],
    [`${location}/queues/left-out`, 'DISABLED'],
  ]);
});

test.each([
  ['RUNNING', 5, true, 'RUNNING'],
  ['PAUSED', 5, true, 'RUNNING'],
  ['DISABLED', 5, true, 'RUNNING'],
  ['PAUSED', 5, false, 'PAUSED'],
  ['DISABLED', 5, false, 'DISABLED'],
  ['RUNNING', 0, true, 'PAUSED'],
  ['DISABLED', 0, true, 'DISABLED'],
  [undefined, 0, true, 'PAUSED'],
] as const)('a queue that was %s and now has rate %d (resume: %s) is %s', (state, rate, resumes, after) => {
  const current = state === undefined ? [] : [existing('a', state)];
  const [queue] = uploaded(current, [entry('a', { ratePerSecond: rate })], resumes);
  expect(queue?.state).toBe(after);
  // Pausing leaves the rate as it was.
  expect(queue?.rateLimits.maxDispatchesPerSecond).toBe(rate || (state === undefined ? 500 : 7));
});

test('a push queue cannot become a pull queue, nor the other way round', () => {
  const pull = entry('a', { isPull: true, ratePerSecond: undefined });
  expect(() => uploaded([existing('a')], [pull])).toThrow(
    'The queue "a" is a push queue and cannot become a pull queue',
  );
  expect(() => uploaded([existing('a', 'RUNNING', true)], [entry('a')])).toThrow(
    'The queue "a" is a pull queue and cannot become a push queue',
  );
});
