import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { startLocalStack, type LocalStack, type LocalStackOptions } from '../../../cli/local/stack.ts';
import { loadConfig } from '../../../config/load.ts';
import { configFile, temporaryFolder } from '../../support/config-file.ts';
import { okServer } from '../../support/ok-server.ts';
import { otherProject, sourceOf } from '../../support/other-project.ts';

afterEach(() => vi.unstubAllEnvs());

async function options(source: string, ports: object = {}): Promise<LocalStackOptions> {
  const all = { tasks: 0, firestore: 0, functions: 0, smtp: 0, ...ports };
  return {
    config: await loadConfig(configFile({ ports: all })),
    entry: otherProject(source).entry,
    ports: 'configured',
    isReloading: true,
    signal: new AbortController().signal,
  };
}

async function started(given: LocalStackOptions): Promise<LocalStack> {
  const stack = await startLocalStack(given);
  onTestFinished(() => stack.close());
  return stack;
}

/** A Java that runs no emulator, but answers as one. */
function javaHome(): string {
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'bin'));
  const program = `require('node:http').createServer((_, response) => response.end('Ok'))
    .listen(Number(process.argv.at(-1).split('=')[1]), '127.0.0.1');`;
  writeFileSync(join(folder, 'program.cjs'), program);
  const java = join(folder, 'bin', 'java');
  writeFileSync(java, `#!/bin/sh\nexec "${process.execPath}" "${join(folder, 'program.cjs')}" "$@"\n`);
  chmodSync(java, 0o755);
  return folder;
}

test('a Firestore emulator that runs already is used, also at the port of the configuration', async () => {
  const port = await okServer();
  vi.stubEnv('FIRESTORE_EMULATOR_HOST', `127.0.0.1:${port}`);
  const { firestore, env } = await started(await options(sourceOf('hello'), { firestore: port }));
  expect(firestore.source).toBe('environment');
  expect(env['FIRESTORE_EMULATOR_HOST']).toBe(`127.0.0.1:${port}`);
});

test('an empty FIRESTORE_EMULATOR_HOST names none: one is started, and the functions are told of it', async () => {
  vi.stubEnv('FIRESTORE_EMULATOR_HOST', '');
  vi.stubEnv('JAVA_HOME', javaHome());
  const { firestore, env } = await started(await options(sourceOf('hello')));
  expect(firestore.source).not.toBe('environment');
  expect(env['FIRESTORE_EMULATOR_HOST']).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(env['FIRESTORE_EMULATOR_HOST']).toBe(firestore.host);
});

test('a missing Java is told of at once, though the functions wait for Firestore as they load', async () => {
  vi.stubEnv('FIRESTORE_EMULATOR_HOST', '');
  vi.stubEnv('JAVA_HOME', '/nonexistent/java');
  const waiting = await options('await new Promise(() => setInterval(() => {}, 1000));');
  await expect(startLocalStack(waiting)).rejects.toMatchObject({ code: 'java-missing' });
});
