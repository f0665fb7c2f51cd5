import { describe, expect, test } from 'vitest';
import { Rewrites } from '../../../emulator/dispatch/rewrites.ts';

describe('a rewrite', () => {
  test.each([
    ['https://my.app', 'http://localhost:8080', 'https://my.app/a?b=c#d', 'http://localhost:8080/a?b=c'],
    ['https://my.app', 'http://localhost:8080', 'https://my.app', 'http://localhost:8080/'],
    ['https://my.app/', 'http://localhost:8080/', 'https://MY.app:443/%zz', 'http://localhost:8080/%zz'],
    ['https://my.app', 'http://localhost:8080/base', 'https://my.app/a', 'http://localhost:8080/base/a'],
    ['https://my.app/api', 'http://localhost:8080', 'https://my.app/api/a', 'http://localhost:8080/a'],
    ['https://my.app/api', 'http://localhost:8080/v2', 'https://my.app/api', 'http://localhost:8080/v2'],
    ['localhost', 'host.docker.internal', 'http://localhost:8080/a', 'http://host.docker.internal:8080/a'],
    ['LOCALHOST', 'host.docker.internal', 'https://localhost/a', 'https://host.docker.internal/a'],
    ['localhost', 'worker:9000', 'http://localhost:8080/a', 'http://worker:9000/a'],
    ['localhost:8080', 'worker', 'http://localhost:8080/a', 'http://worker/a'],
    ['[::1]', '127.0.0.1', 'http://[::1]:8080/a', 'http://127.0.0.1:8080/a'],
  ])('%s to %s calls %s at %s', (from, to, url, called) => {
    expect(new Rewrites({ [from]: to }).of(url)).toEqual({ url: called, host: new URL(url).host });
  });

  test.each([
    ['https://my.app', 'http://my.app/'],
    ['https://my.app', 'https://my.app:444/'],
    ['https://my.app', 'https://my.app.evil/'],
    ['https://my.app/api', 'https://my.app/apis'],
    ['localhost', 'http://localhost.evil/'],
    ['localhost:8080', 'http://localhost:8081/'],
  ])('of %s leaves %s alone', (from, url) => {
    const to = from.includes('/') ? 'http://127.0.0.1' : '127.0.0.1';
    expect(new Rewrites({ [from]: to }).of(url)).toBeUndefined();
  });

  test('that says most is the one that counts, and it is the only one', () => {
    const rewrites = new Rewrites({
      'my.app': 'host.example',
      'https://my.app': 'http://localhost:1',
      'https://my.app/api': 'http://localhost:2',
      localhost: 'other.example',
    });
    expect(rewrites.of('https://my.app/api/a')?.url).toBe('http://localhost:2/a');
    expect(rewrites.of('https://my.app/b')?.url).toBe('http://localhost:1/b');
    expect(rewrites.of('http://my.app/b')?.url).toBe('http://host.example/b');
  });

  test.each([
    [{ 'https://my.app': 'localhost' }],
    [{ localhost: 'http://localhost' }],
    [{ 'a b': 'c' }],
    [{ 'ftp://a': 'ftp://b' }],
    [{ 'https://a?b': 'https://c' }],
    [{ '': 'a' }],
  ])('%j is refused with what to write', (rewrites) => {
    expect(() => new Rewrites(rewrites as Record<string, string>)).toThrow(
      /rewrite has .*: write two addresses, such as/,
    );
  });
});
