import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, expect, onTestFinished, test, type TestContext } from 'vitest';
import { needGcloud } from '../../support/gcloud.ts';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { serve } from '../../emulator/web-server.ts';

const location = 'europe-west1';
const run = promisify(execFile);

/** The three settings, word for word as the README tells people to set them, but for the port. */
function readmeSettings({ port }: Emulator): Record<string, string> {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  const settings = [...readme.matchAll(/^export (CLOUDSDK_\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [
    name,
    value.replace('8123', String(port)),
  ]);
  return Object.fromEntries(settings) as Record<string, string>;
}

let emulator: Emulator;
let gcloud: (...args: string[]) => Promise<{ stdout: string; stderr: string }>;
let json: (...args: string[]) => Promise<unknown>;

beforeEach(async (context: TestContext) => {
  needGcloud(context);
  emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  // A folder of its own: nobody's account and settings are read or touched.
  const folder = mkdtempSync(join(tmpdir(), 'pageturner-gcloud-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    CLOUDSDK_CONFIG: join(folder, 'gcloud'),
    CLOUDSDK_CORE_DISABLE_PROMPTS: 'true',
    ...readmeSettings(emulator),
  };
  gcloud = async (...args) => await run('gcloud', ['tasks', ...args, `--location=${location}`], { env });
  json = async (...args) => JSON.parse((await gcloud(...args, '--format=json')).stdout) as unknown;
});

/** What a reader of the queue or task sees over REST. */
async function seen(path: string): Promise<unknown> {
  const project = readmeSettings(emulator)['CLOUDSDK_CORE_PROJECT'];
  const response = await fetch(`${emulator.url}/v2/projects/${project}/locations/${location}/queues/${path}`);
  return await response.json();
}

test('gcloud creates, describes, lists, updates, pauses, resumes and purges a queue', async () => {
  await gcloud('queues', 'create', 'mail', '--max-attempts=7', '--max-dispatches-per-second=2.5');
  expect(await json('queues', 'describe', 'mail')).toMatchObject({
    name: expect.stringMatching(/\/locations\/europe-west1\/queues\/mail$/),
    state: 'RUNNING',
    rateLimits: { maxDispatchesPerSecond: 2.5 },
    retryConfig: { maxAttempts: 7, maxBackoff: '3600s' },
  });

  await gcloud('queues', 'update', 'mail', '--max-attempts=9', '--min-backoff=2s');
  // What the command did not name stays as it was.
  expect(await seen('mail')).toMatchObject({
    rateLimits: { maxDispatchesPerSecond: 2.5 },
    retryConfig: { maxAttempts: 9, minBackoff: '2s' },
  });

  await gcloud('queues', 'pause', 'mail');
  expect(await seen('mail')).toMatchObject({ state: 'PAUSED' });
  expect((await gcloud('queues', 'list')).stdout).toMatch(/^mail +PAUSED +1000 +2\.5 +9$/m);

  await gcloud('create-http-task', '--queue=mail', '--url=http://127.0.0.1:9/');
  expect(await seen('mail/tasks')).toHaveProperty('tasks.length', 1);
  await gcloud('queues', 'purge', 'mail');
  expect(await seen('mail/tasks')).not.toHaveProperty('tasks');

  await gcloud('queues', 'resume', 'mail');
  expect(await seen('mail')).toMatchObject({ state: 'RUNNING', purgeTime: expect.any(String) });

  await expect(gcloud('queues', 'describe', 'none')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Queue does not exist. If you just created the queue, wait'),
  });
});

test('gcloud creates, lists, describes, runs and deletes a task', async () => {
  const server = await serve();
  await gcloud('queues', 'create', 'mail');
  const create = (id: string): Promise<unknown> =>
    gcloud(
      'create-http-task',
      id,
      '--queue=mail',
      `--url=${server.url}/hook`,
      '--method=PUT',
      '--header=Content-Type:text/plain',
      '--body-content=Grüße',
      `--schedule-time=${new Date(Date.now() + 3_600_000).toISOString()}`,
    );
  await create('now');
  await create('never');
  expect((await gcloud('list', '--queue=mail')).stdout).toMatch(/^never +http .* 0 +0 +Unknown$/m);
  expect(await json('describe', 'now', '--queue=mail')).toMatchObject({
    name: expect.stringMatching(/\/queues\/mail\/tasks\/now$/),
    dispatchDeadline: '600s',
    httpRequest: { httpMethod: 'PUT', url: `${server.url}/hook`, headers: { 'Content-Type': 'text/plain' } },
    view: 'BASIC',
  });

  // It is due in an hour; run now, it is delivered now, and is gone.
  const done = Promise.withResolvers<void>();
  emulator.observe((event) => {
    if (event.kind === 'taskDeleted') done.resolve();
  });
  await gcloud('run', 'now', '--queue=mail');
  await done.promise;
  expect(server.requests).toMatchObject([
    { method: 'PUT', path: '/hook', body: 'Grüße', headers: { 'X-CloudTasks-TaskName': 'now' } },
  ]);

  await gcloud('delete', 'never', '--queue=mail');
  expect(await seen('mail/tasks')).toEqual({});
  expect(server.requests).toHaveLength(1);
});
