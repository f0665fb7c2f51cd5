import { expect, test } from 'vitest';
import { isLoopbackHost, refuseWebPages } from '../../../emulator/server/browser-guard.ts';

test.each([
  { host: 'localhost:8123' },
  { host: '127.0.0.1:8123' },
  { host: '[::1]:8123' },
  { host: '192.168.1.7:8123' },
  { host: 'tasks:8123' },
  { host: 'host.docker.internal:8123' },
  { host: 'tasks.default.svc.cluster.local' },
  { host: 'localhost:8123', origin: 'http://localhost:3000' },
  { host: 'localhost:8123', origin: 'http://127.0.0.1' },
  { host: '192.168.1.7:8123', origin: 'http://192.168.1.7:8123' },
  { host: 'Tasks:8123', origin: 'http://tasks:8123' },
  {},
])('a request with %j is let in', (headers) => {
  refuseWebPages(headers);
});

test.each([
  [{ host: 'localhost', origin: 'https://evil.example' }, 'web pages of https://evil.example'],
  [{ host: 'localhost', origin: 'http://localhost.evil.example' }, 'web pages of'],
  [{ host: 'localhost', origin: 'null' }, 'web pages of null'],
  [{ origin: 'null' }, 'web pages of null'],
  [{ host: '192.168.1.7:8123', origin: 'http://192.168.1.7:3000' }, 'web pages of http://192.168.1.7:3000'],
  [{ host: '192.168.1.7:8123', origin: 'http://192.168.1.8:8123' }, 'web pages of'],
  [
    { host: 'rebound.evil.example', origin: 'http://rebound.evil.example' },
    'the host "rebound.evil.example"',
  ],
  [{ host: 'rebound.evil.example:8123' }, 'Call the emulator as localhost, by its IP address'],
  [{ host: '127.0.0.1.evil.example' }, 'the host "127.0.0.1.evil.example"'],
  [{ host: 'a b' }, 'the host "a b"'],
  [{ host: '' }, 'the host ""'],
])('a request with %j is refused, with the mend', (headers, text) => {
  expect(() => refuseWebPages(headers)).toThrow(text);
});

test.each([
  ['127.0.0.1', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.7', false],
])('whether %s is this machine only: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});

test('the host of the public address may be named, and no other with a dot', () => {
  const publicUrl = 'https://tasks.example.com/emulator';
  refuseWebPages({ host: 'tasks.example.com:443' }, publicUrl);
  expect(() => refuseWebPages({ host: 'other.example.com' }, publicUrl)).toThrow('are refused');
});
