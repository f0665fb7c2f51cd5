import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { needGcloud } from '../../support/gcloud.ts';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';

const run = promisify(execFile);

let emulator: Emulator;
let gcloud: (...args: string[]) => Promise<string>;

beforeEach(async (context) => {
  needGcloud(context);
  emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  // A folder of its own: nobody's account and settings are read or touched.
  const home = mkdtempSync(join(tmpdir(), 'pageturner-gcloud-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    CLOUDSDK_CONFIG: join(home, 'gcloud'),
    CLOUDSDK_CORE_DISABLE_PROMPTS: 'true',
    CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDTASKS: `${emulator.url}/`,
    CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
    CLOUDSDK_CORE_PROJECT: 'p',
  };
  gcloud = async (track, ...args) => {
    const { stdout } = await run('gcloud', [track, 'tasks', ...args, '--location=l', '--format=json'], {
      env,
    });
    return stdout;
  };
});

test('gcloud beta sets the HTTP target and one limit of a queue, buffers a task, and binds a role', async () => {
  await gcloud(
    'beta',
    'queues',
    'create',
    'q',
    '--type=push',
    '--http-uri-override=scheme:http,host:127.0.0.1,port:9,path:/x',
  );
  await gcloud('beta', 'queues', 'update', 'q', '--type=push', '--max-dispatches-per-second=7');
  expect(JSON.parse(await gcloud('beta', 'queues', 'describe', 'q'))).toMatchObject({
    type: 'PUSH',
    httpTarget: {
      uriOverride: { scheme: 'HTTP', host: '127.0.0.1', port: '9', pathOverride: { path: '/x' } },
    },
    rateLimits: { maxDispatchesPerSecond: 7, maxConcurrentDispatches: 1000 },
  });
  await gcloud('beta', 'queues', 'pause', 'q');
  await gcloud('beta', 'buffer', '--queue=q', '--task-id=one');
  expect(JSON.parse(await gcloud('beta', 'list', '--queue=q'))).toMatchObject([
    { name: expect.stringMatching(/\/one$/), httpRequest: { url: 'http://127.0.0.1:9/x' } },
  ]);
  const binding = { role: 'roles/cloudtasks.enqueuer', members: ['user:a@example.com'] };
  const flags = [`--member=${binding.members[0]}`, `--role=${binding.role}`];
  expect(JSON.parse(await gcloud('beta', 'queues', 'add-iam-policy-binding', 'q', ...flags))).toMatchObject({
    bindings: [binding],
  });
});

test('gcloud alpha leases, renews and acknowledges a task of a pull queue', async () => {
  await gcloud('alpha', 'queues', 'create-pull-queue', 'q');
  await gcloud('alpha', 'create-pull-task', 'one', '--queue=q', '--payload-content=work', '--tag=t');
  const [leased] = JSON.parse(
    await gcloud('alpha', 'lease', '--queue=q', '--lease-duration=60', '--tag=t'),
  ) as [{ scheduleTime: string }];
  expect(leased).toMatchObject({ name: expect.stringMatching(/\/one$/), pullMessage: { tag: 't' } });
  const held = [`--schedule-time=${leased.scheduleTime}`, '--queue=q'];
  const renewed = JSON.parse(
    await gcloud('alpha', 'renew-lease', 'one', ...held, '--lease-duration=120'),
  ) as {
    scheduleTime: string;
  };
  await gcloud('alpha', 'acknowledge', 'one', '--queue=q', `--schedule-time=${renewed.scheduleTime}`);
  expect(JSON.parse(await gcloud('alpha', 'list', '--queue=q'))).toEqual([]);
});
