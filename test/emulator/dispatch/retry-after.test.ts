import { expect, test } from 'vitest';
import { parseRetryAfter } from '../../../emulator/dispatch/retry-after.ts';

const NOW = Date.UTC(2026, 0, 1, 12);

test.each([
  ['seconds', '120', 120_000],
  ['no seconds at all', '0', 0],
  ['seconds with space around them', ' 5\t', 5000],
  ['an instant', 'Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
  ['an instant that has passed', 'Thu, 01 Jan 2026 11:00:00 GMT', 0],
])('a header with %s asks for that wait', (_, header, expected) => {
  expect(parseRetryAfter(header, NOW)).toBe(expected);
});

test.each([undefined, '', 'soon', '-1', '1.5', '1e3', '0x10', '9'.repeat(30), 'Thu, soon', '2026-01-01'])(
  'the header %j asks for nothing',
  (header) => {
    expect(parseRetryAfter(header, NOW)).toBeUndefined();
  },
);
