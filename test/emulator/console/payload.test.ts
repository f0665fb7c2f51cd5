import { expect, test } from 'vitest';
import { payloadOf } from '../../../emulator/console/payload.ts';

const of = (text: string): ReturnType<typeof payloadOf> => payloadOf(Buffer.from(text));

test('JSON is set out in lines, and its numbers stay as they were written', () => {
  expect(of('{"id":12345678901234567890,"price":1.50,"tags":["a"]}')).toEqual({
    size: 53,
    kind: 'json',
    text: '{\n  "id": 12345678901234567890,\n  "price": 1.50,\n  "tags": [\n    "a"\n  ]\n}',
    isCut: false,
  });
});

test('text stays as it is, also if it only begins like JSON or is a bare number', () => {
  expect(of('{"open')).toMatchObject({ kind: 'text', text: '{"open' });
  expect(of('42')).toMatchObject({ kind: 'text', text: '42' });
  expect(of('<b>not HTML</b>')).toMatchObject({ kind: 'text', text: '<b>not HTML</b>' });
});

test('base64 of JSON or text is decoded beside the original; words that only look like it are not', () => {
  const inner = Buffer.from('{"to":"ada@example.com"}').toString('base64');
  expect(of(inner)).toMatchObject({
    kind: 'text',
    text: inner,
    decoded: { kind: 'json', text: '{\n  "to": "ada@example.com"\n}' },
  });
  const text = Buffer.from('hello, world').toString('base64');
  expect(of(text).decoded).toEqual({ kind: 'text', text: 'hello, world' });
  expect(of('internationalization').decoded).toBeUndefined();
  expect(of('abc').decoded).toBeUndefined();
});

test('what is no text is dumped', () => {
  expect(payloadOf(Buffer.from([0xff, 0x00, 0x41, 0x7e]))).toEqual({
    size: 4,
    kind: 'binary',
    text: `0000  ff 00 41 7e${' '.repeat(36)}  ..A~`,
    isCut: false,
  });
  expect(of('a\u0000b').kind).toBe('binary');
  const long = payloadOf(Buffer.alloc(5000, 0xff));
  expect(long).toMatchObject({ size: 5000, kind: 'binary', isCut: true });
  expect(long.text.split('\n')).toHaveLength(32);
});

test('a body that is too long is cut between two characters', () => {
  const payload = of('é'.repeat(65_536));
  expect(payload).toMatchObject({ size: 131_072, kind: 'text', isCut: true });
  expect(payload.text).toBe('é'.repeat(32_768));
  expect(of(`a${'é'.repeat(65_536)}`).text).toBe(`a${'é'.repeat(32_767)}`);
});

test('an empty body is empty, and JSON that is nested without end is text', () => {
  expect(of('')).toEqual({ size: 0, kind: 'empty', text: '', isCut: false });
  expect(of('['.repeat(60_000)).kind).toBe('text');
  const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`;
  expect(of(deep)).toMatchObject({ kind: 'text', text: deep });
});
