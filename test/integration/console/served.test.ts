import { execFile } from 'node:child_process';
import { request as rawRequest } from 'node:http';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { emulatorForTests } from '../../../emulator/vitest.ts';
import { callRest } from '../emulator/call-rest.ts';
import { mail } from './fixture.ts';

const emulator = await emulatorForTests();

test('the page and its parts are served, load nothing from elsewhere and run no inline code', async () => {
  const page = await fetch(`${emulator.url}/console`);
  expect(page.url).toBe(`${emulator.url}/console/`);
  const html = await page.text();
  const parts = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map(([, part = '']) => part);
  expect(parts.toSorted()).toEqual(['console.css', 'console.js', 'icon.svg']);
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=/);
  for (const part of [...parts, 'dom.js', 'queues.js', 'task.js', 'chains.js']) {
    const { status, headers } = await fetch(`${emulator.url}/console/${part}`);
    expect(status).toBe(200);
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'/,
    );
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  }
});

test.each([
  '/console/../compose.ts',
  '/console/assets.ts',
  '/console/%2e%2e/http.ts',
  '/console/views/__proto__',
])('%s is not served', async (path) => {
  // Not by fetch, which takes the dots away.
  const status = await new Promise((resolve) => {
    rawRequest({ port: emulator.port, path }, (response) => resolve(response.resume().statusCode)).end();
  });
  expect(status).toBe(404);
});

test('a page of another origin gets nothing of it', async () => {
  for (const path of ['/console/', '/console/views/queues', '/console/views/live']) {
    const { status } = await fetch(`${emulator.url}${path}`, { headers: { origin: 'https://evil.example' } });
    expect(status).toBe(403);
  }
});

test('nothing of it is loaded before somebody asks for it', async () => {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { startEmulator } = await import(${JSON.stringify(new URL('../../../emulator/index.ts', import.meta.url).href)});
    const emulator = await startEmulator();
    const parts = () => loaded.filter((url) => url.includes('/emulator/console/')).length;
    const before = parts();
    await (await fetch(emulator.url + '/console/')).text();
    console.log(before, parts() > before);
    await emulator.close();
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  // What waits for the first request is one small module.
  expect(stdout.trim()).toBe('1 true');
});
test('who follows is told of changes, and is let go when the emulator closes', async () => {
  const own = await startEmulator({ queues: [{ name: 'mail' }] });
  onTestFinished(() => own.close());
  const response = await fetch(`${own.url}/console/views/live`);
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let seen = (await reader?.read())?.value ?? '';
  expect(seen).toBe('retry: 1000\n\n');
  await callRest(own, 'POST', `/v2/${mail}:pause`, {});
  seen = (await reader?.read())?.value ?? '';
  expect(seen).toBe('data: changed\n\n');
  const ending = reader?.read();
  await Promise.all([own.close(), expect(ending).rejects.toThrow()]);
});
