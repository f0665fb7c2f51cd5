import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseParameters, toWire } from '../../../lib/core/parameters.ts';

test('parameters travel as they were given, before defaults and transforms', () => {
  const schema = z.object({
    program: z.string().transform((text) => text.length),
    size: z.number().default(3),
  });
  expect(toWire('walk', schema, { program: 'gsoc' })).toEqual({ program: 'gsoc' });
  expect(parseParameters('walk', schema, { program: 'gsoc' })).toEqual({ program: 4, size: 3 });
});

test('every fault is named by its path', () => {
  const schema = z.object({ program: z.string(), list: z.array(z.object({ size: z.number() })) });
  expect(() => parseParameters('walk', schema, { list: [{ size: 'x' }] })).toThrow(
    /do not fit task "walk": program: .*; list\.0\.size: /,
  );
});

test('what would not survive JSON is refused where it is started', () => {
  expect(() => toWire('walk', z.object({ since: z.date() }), { since: new Date(0) })).toThrow(/since/);
  expect(toWire('walk', z.object({ since: z.coerce.date() }), { since: new Date(0) })).toEqual({
    since: '1970-01-01T00:00:00.000Z',
  });
  const circular: Record<string, unknown> = {};
  circular['self'] = circular;
  expect(() => toWire('walk', z.looseObject({}), circular)).toThrow('are not JSON');
});

test('parameters of more than 512 KiB of JSON in UTF-8 are refused, with their size and what to do', () => {
  const schema = z.object({ text: z.string() });
  const most = 512 * 1024 - '{"text":""}'.length;
  expect(toWire('walk', schema, { text: 'x'.repeat(most) })).toHaveProperty('text');
  expect(() => toWire('walk', schema, { text: 'x'.repeat(most + 1) })).toThrow(
    'The parameters of task "walk" have 524289 bytes as JSON, and may have 524288. Put large data into a document, and pass its path.',
  );
  expect(() => toWire('walk', schema, { text: 'é'.repeat(most / 2 + 1) })).toThrow('bytes as JSON');
});
