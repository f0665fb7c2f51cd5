import { expect, test } from 'vitest';
import { asFault, fromService } from '../../cli/fault.ts';

function refusal(code: number, details: string): Error {
  return Object.assign(new Error(`${code} X: ${details}`), { code, details });
}

test.each([
  [14, 'not-running', 'The service does not answer: gone', /^Try again; it may have ended/],
  [7, 'refused', 'The service refuses: gone', /^Ask for the role/],
  [16, 'refused', 'The service refuses: gone', /^Log in with/],
  [9, 'refused', 'The service refuses: gone', /^PAGETURNER_DEBUG=1/],
])(
  'an error with code %i of a service is told in its words, with the next step',
  (code, kind, message, next) => {
    const fault = asFault(refusal(code, 'gone'));
    expect(fault).toMatchObject({ code: kind, message, nextStep: expect.stringMatching(next), exitCode: 1 });
  },
);

test('an error without words of the service has its message, and the next step of whoever knows better', () => {
  expect(fromService('Cloud Tasks', refusal(5, ''), { 5: 'Look.' })).toMatchObject({
    message: 'Cloud Tasks refuses: 5 X: ',
    nextStep: 'Look.',
  });
});

test('an error of no service is told as it is, whatever it is', () => {
  expect(asFault(new Error('odd'))).toMatchObject({ code: 'failed', message: 'odd' });
  expect(asFault('odd')).toMatchObject({ code: 'failed', message: 'odd' });
});

test('a note that the gRPC client leaves empty is left out', () => {
  const details = 'No connection established. Last error: ECONNREFUSED 127.0.0.1:1';
  for (const end of ['. Resolution note: ', ''])
    expect(asFault(refusal(14, `${details}${end}`)).message).toBe(`The service does not answer: ${details}`);
  expect(asFault(refusal(14, `${details}. Resolution note: no such host`)).message).toMatch(/no such host$/);
});
