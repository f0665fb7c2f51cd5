import { describe, expect, test } from 'vitest';
import { parseFilter, satisfies } from '../../../emulator/core/filter.ts';
import { invalidField } from '../api-error.ts';

const queue = {
  name: 'projects/p/locations/l/queues/mail',
  state: 'PAUSED',
  rateLimits: { maxDispatchesPerSecond: 5 },
  retryConfig: { minBackoff: { seconds: 2, nanos: 500_000_000 } },
};

describe('a filter', () => {
  test.each([
    ['', true],
    ['state: PAUSED', true],
    ['state=PAUSED', true],
    ['state = "RUNNING"', false],
    ['state != RUNNING', true],
    ['name: mail', true],
    ['rate_limits.max_dispatches_per_second > 4.5', true],
    ['rateLimits.maxDispatchesPerSecond >= 5', true],
    ['rateLimits.maxDispatchesPerSecond < 5', false],
    ['rateLimits.maxDispatchesPerSecond <= 5', true],
    ['retry_config.min_backoff = 2.5s', true],
    ['state: PAUSED AND rate_limits.max_dispatches_per_second > 5', false],
    ['state: PAUSED AND name: "mail"', true],
    ['no_such_field = 1', false],
    ['no_such_field != 1', true],
    ['rate_limits.max_dispatches_per_second > many', false],
  ])('%j says %j of a paused queue of 5 a second', (filter, expected) => {
    expect(satisfies(queue, parseFilter(filter))).toBe(expected);
  });

  test.each(['state', 'state:', '= PAUSED', 'state: "PAUSED', '(state: PAUSED)'])(
    '%j is refused',
    (filter) => {
      expect(() => parseFilter(filter)).toThrow(invalidField('filter', 'Write FIELD OPERATOR VALUE'));
    },
  );
});
