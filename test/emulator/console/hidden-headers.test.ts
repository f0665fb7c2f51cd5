import { expect, test } from 'vitest';
import { hiddenHeaders } from '../../../emulator/console/hidden-headers.ts';

test('values that carry tokens are hidden, by the header that they stand in or by what they look like', () => {
  expect(
    hiddenHeaders({
      Authorization: 'Bearer abc',
      'Set-Cookie': 'session=1',
      'X-Api-Key': 'k',
      'x-goog-iap-jwt-assertion': 'a.b.c',
      'X-Custom': `v=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln`,
    }),
  ).toEqual({
    Authorization: 'Bearer (hidden: 3 characters)',
    'Set-Cookie': '(hidden: 9 characters)',
    'X-Api-Key': '(hidden: 1 characters)',
    'x-goog-iap-jwt-assertion': '(hidden: 5 characters)',
    'X-Custom': '(hidden: 43 characters)',
  });
});

test('what says nothing secret is shown', () => {
  const headers = {
    'Content-Type': 'application/json',
    'X-CloudTasks-TaskName': 'a',
    Traceparent: '00-1-2-01',
  };
  expect(hiddenHeaders(headers)).toEqual(headers);
});
