import { describe, expect, test } from 'vitest';
import type { QueueInput } from '../../../emulator/core/input.ts';
import type { Queue } from '../../../emulator/core/model.ts';
import { newQueue, updatedQueue } from '../../../emulator/core/queue-rules.ts';
import { invalidArgument, invalidField } from '../api-error.ts';
import { QUEUE } from '../samples.ts';

describe('a new queue', () => {
  test('runs with the defaults of the service', () => {
    expect(newQueue(QUEUE, {})).toEqual({
      name: QUEUE,
      state: 'RUNNING',
      rateLimits: { maxDispatchesPerSecond: 500, maxBurstSize: 100, maxConcurrentDispatches: 1000 },
      retryConfig: {
        maxAttempts: 100,
        maxRetryDurationMs: 0,
        minBackoffMs: 100,
        maxBackoffMs: 3_600_000,
        maxDoublings: 16,
      },
    });
  });

  test('takes zero for "not given" where it is a count or a rate, as on the wire', () => {
    const zeros: QueueInput = {
      rateLimits: { maxDispatchesPerSecond: 0, maxConcurrentDispatches: 0 },
      retryConfig: { maxAttempts: 0, maxDoublings: 0 },
    };
    expect(newQueue(QUEUE, zeros)).toEqual(newQueue(QUEUE, {}));
  });

  test('takes a duration of zero at its word', () => {
    const { retryConfig } = newQueue(QUEUE, { retryConfig: { minBackoffMs: 0, maxBackoffMs: 0 } });
    expect(retryConfig).toMatchObject({ minBackoffMs: 0, maxBackoffMs: 0 });
  });

  test.each<[string, QueueInput]>([
    ['the highest rate', { rateLimits: { maxDispatchesPerSecond: 500 } }],
    ['a fraction of a rate', { rateLimits: { maxDispatchesPerSecond: 0.25 } }],
    ['the highest concurrency', { rateLimits: { maxConcurrentDispatches: 5000 } }],
    ['attempts without limit', { retryConfig: { maxAttempts: -1 } }],
    ['equal backoffs', { retryConfig: { minBackoffMs: 5000, maxBackoffMs: 5000 } }],
    ['no doublings at all but one', { retryConfig: { maxDoublings: 1 } }],
    ['a routing', { appEngineRoutingOverride: { service: 's', host: 'h' } }],
    ['a sampling ratio of nothing', { loggingSamplingRatio: 0 }],
    ['a sampling ratio of everything', { loggingSamplingRatio: 1 }],
  ])('may have %s', (_, input) => {
    expect(newQueue(QUEUE, input)).toMatchObject(input);
  });

  test('has the burst size that it is given, up to 500', () => {
    expect(newQueue(QUEUE, { rateLimits: { maxBurstSize: 7 } }).rateLimits.maxBurstSize).toBe(7);
    expect(() => newQueue(QUEUE, { rateLimits: { maxBurstSize: 501 } })).toThrow(
      invalidArgument('RateLimits.maxBurstSize must be less than or equal to 500.'),
    );
  });

  test('is refused an HTTP target that could not be applied', () => {
    const target = (uri: object) =>
      newQueue(QUEUE, { httpTarget: { headers: {}, uri: { mode: 'always', ...uri } } });
    expect(() => target({ host: '' })).toThrow(
      invalidField('queue.http_target.uri_override.host', 'no host name'),
    );
    expect(() => target({ port: 70_000 })).toThrow(
      invalidField('queue.http_target.uri_override.port', 'no port'),
    );
  });

  test('keeps times to live within their ranges', () => {
    const hour = 3_600_000;
    expect(newQueue(QUEUE, { tombstoneTtlMs: hour })).toMatchObject({ tombstoneTtlMs: hour });
    expect(() => newQueue(QUEUE, { tombstoneTtlMs: hour - 1 })).toThrow(
      invalidField('queue.tombstone_ttl', '1 hour to 9 days'),
    );
    expect(() => newQueue(QUEUE, { taskTtlMs: 24 * hour })).toThrow(
      invalidField('queue.task_ttl', '10 days to 10 years'),
    );
  });

  test('has no routing when all its parts are empty', () => {
    const queue = newQueue(QUEUE, { appEngineRoutingOverride: { service: '' } });
    expect(queue).not.toHaveProperty('appEngineRoutingOverride');
  });

  test.each<[QueueInput, string]>([
    [{ rateLimits: { maxDispatchesPerSecond: -1 } }, 'RateLimits.maxDispatchesPerSecond cannot be negative.'],
    [
      { rateLimits: { maxDispatchesPerSecond: 500.5 } },
      'RateLimits.maxDispatchesPerSecond must be less than or equal to 500.',
    ],
    [
      { rateLimits: { maxConcurrentDispatches: -1 } },
      'RateLimits.maxConcurrentDispatches cannot be negative.',
    ],
    [
      { rateLimits: { maxConcurrentDispatches: 5001 } },
      'RateLimits.maxConcurrentDispatches must be less than or equal to 5000.',
    ],
    [{ retryConfig: { maxAttempts: -2 } }, 'RetryConfig.maxAttempts must be greater or equal to -1.'],
    [{ retryConfig: { maxDoublings: -1 } }, 'RetryConfig.maxDoublings cannot be negative.'],
    [{ retryConfig: { minBackoffMs: -1 } }, 'RetryConfig.minBackoff cannot be negative.'],
    [{ retryConfig: { minBackoffMs: 0, maxBackoffMs: -1 } }, 'RetryConfig.maxBackoff cannot be negative.'],
    [{ retryConfig: { maxRetryDurationMs: -1 } }, 'RetryConfig.maxRetryDuration cannot be negative.'],
    [
      { retryConfig: { minBackoffMs: 2000, maxBackoffMs: 1000 } },
      'RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.',
    ],
    [
      { retryConfig: { minBackoffMs: 3_600_001 } },
      'RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.',
    ],
  ])('is refused with %j in the words of the service', (input, message) => {
    expect(() => newQueue(QUEUE, input)).toThrow(invalidArgument(message));
  });

  test.each([-0.1, 1.1, Number.NaN])('is refused with a sampling ratio of %d', (loggingSamplingRatio) => {
    expect(() => newQueue(QUEUE, { loggingSamplingRatio })).toThrow(
      invalidField('queue.stackdriver_logging_config.sampling_ratio', 'is not between 0.0 and 1.0'),
    );
  });
});

describe('an updated queue', () => {
  const current: Queue = {
    ...newQueue(QUEUE, {
      rateLimits: { maxDispatchesPerSecond: 5, maxConcurrentDispatches: 6 },
      retryConfig: { maxAttempts: 7, minBackoffMs: 8000, maxBackoffMs: 9000, maxDoublings: 2 },
      appEngineRoutingOverride: { service: 'old', version: 'v1' },
      loggingSamplingRatio: 0.5,
    }),
    state: 'PAUSED',
    purgeAt: 123,
  };
  const { state, purgeAt } = current;
  const untouchable = { name: QUEUE, state, purgeAt };

  test.each([
    ['without a mask', []],
    ['with a star', ['*']],
  ])('%s is all as given, and default where nothing is given', (_, mask) => {
    const input: QueueInput = { rateLimits: { maxDispatchesPerSecond: 50 } };
    expect(updatedQueue(current, input, mask)).toEqual({ ...newQueue(QUEUE, input), ...untouchable });
  });

  test('with a leaf in the mask changes in that leaf only', () => {
    const input: QueueInput = { retryConfig: { maxAttempts: 70, maxDoublings: 20 } };
    expect(updatedQueue(current, input, ['retry_config.max_attempts'])).toEqual({
      ...current,
      retryConfig: { ...current.retryConfig, maxAttempts: 70 },
    });
  });

  test('with a group in the mask changes in all of the group', () => {
    const input: QueueInput = { retryConfig: { maxAttempts: 70 }, rateLimits: { maxDispatchesPerSecond: 1 } };
    expect(updatedQueue(current, input, ['retry_config'])).toEqual({
      ...current,
      retryConfig: newQueue(QUEUE, input).retryConfig,
    });
  });

  test.each([
    ['retry_config.max_attempts', 'retryConfig', { maxAttempts: 100 }],
    ['retry_config.max_doublings', 'retryConfig', { maxDoublings: 16 }],
    ['rate_limits.max_concurrent_dispatches', 'rateLimits', { maxConcurrentDispatches: 1000 }],
    [
      'rate_limits.max_dispatches_per_second',
      'rateLimits',
      { maxDispatchesPerSecond: 500, maxBurstSize: 100 },
    ],
  ] as const)(
    'goes back to the default of %s when the mask names it and nothing is given',
    (path, group, reset) => {
      expect(updatedQueue(current, {}, [path])).toEqual({
        ...current,
        [group]: { ...current[group], ...reset },
      });
    },
  );

  test('gets the burst size that goes with its new rate', () => {
    const input: QueueInput = { rateLimits: { maxDispatchesPerSecond: 100 } };
    const { rateLimits } = updatedQueue(current, input, ['rate_limits.max_dispatches_per_second']);
    expect(rateLimits.maxBurstSize).toBe(20);
  });

  test('changes one part of its routing and keeps the others', () => {
    const input: QueueInput = { appEngineRoutingOverride: { service: 'new', version: 'v2' } };
    const { appEngineRoutingOverride } = updatedQueue(current, input, [
      'app_engine_routing_override.service',
    ]);
    expect(appEngineRoutingOverride).toEqual({ service: 'new', version: 'v1' });
  });

  test.each([
    ['app_engine_routing_override', 'appEngineRoutingOverride'],
    ['stackdriver_logging_config', 'loggingSamplingRatio'],
    ['stackdriver_logging_config.sampling_ratio', 'loggingSamplingRatio'],
  ])('loses what the mask %s names and nobody gives', (path, property) => {
    expect(updatedQueue(current, {}, [path])).not.toHaveProperty(property);
  });

  test.each(['name', 'state', 'purge_time', 'type', 'stats'])(
    'is as before when the mask names %s, which only the service writes',
    (path) => {
      const input: QueueInput = { name: 'other', rateLimits: { maxBurstSize: 1 } };
      expect(updatedQueue(current, input, [path])).toEqual(current);
    },
  );

  test('is checked as a whole: a new value may not fit one that is kept', () => {
    const input: QueueInput = { retryConfig: { minBackoffMs: 9001 } };
    expect(() => updatedQueue(current, input, ['retry_config.min_backoff'])).toThrow(
      invalidArgument('RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.'),
    );
  });

  test.each(['retry_config.max_attempt', 'retryConfig', 'toString', '', 'retry_config.max_attempts.x'])(
    'is refused with the mask %j',
    (path) => {
      expect(() => updatedQueue(current, {}, [path])).toThrow(
        invalidField(
          'update_mask',
          `"${path}" is no field of a queue; use paths such as retry_config.max_attempts`,
        ),
      );
    },
  );
});
