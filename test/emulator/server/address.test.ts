import { expect, test } from 'vitest';
import { localUrl, webAddress } from '../../../emulator/server/address.ts';

test.each([
  ['127.0.0.1', 'http://127.0.0.1:8123'],
  ['localhost', 'http://localhost:8123'],
  ['::1', 'http://[::1]:8123'],
  ['0.0.0.0', 'http://127.0.0.1:8123'],
  ['::', 'http://[::1]:8123'],
])('what listens at %s is reached at %s', (host, url) => {
  expect(localUrl(host, 8123)).toBe(url);
});

test('an address loses the slash at its end', () => {
  expect(webAddress('publicUrl', 'https://tasks.test/emulator/')).toBe('https://tasks.test/emulator');
});

test.each(['127.0.0.1:8123', 'ftp://a', 'http://', 'http://a/?b', 'http://a/#b', ''])(
  'what is no address is refused with the option and an example: %j',
  (text) => {
    expect(() => webAddress('publicUrl', text)).toThrow(
      `publicUrl is "${text}": write an address such as http://127.0.0.1:8123.`,
    );
  },
);
