import { expect, test } from 'vitest';
import { emailStudents } from '../../../functions/workers/email-students.ts';
import { parseParameters } from '../../../lib/core/parameters.ts';

test('a parameter whose name is mistyped is refused, and nobody gets another mail than was meant', () => {
  const parse = (params: object): unknown =>
    parseParameters(emailStudents.name, emailStudents.params, params);
  expect(parse({ program: 'gsoc2026' })).toEqual({ program: 'gsoc2026', template: 'welcome' });
  expect(() => parse({ program: 'gsoc2026', tempalte: 'reminder' })).toThrow('Unrecognized key: "tempalte"');
});
