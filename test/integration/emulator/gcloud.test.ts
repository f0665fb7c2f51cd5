import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test, vi, type TestContext } from 'vitest';
import { GCLOUD_TIMEOUT_MS, gcloudWith, needGcloud } from '../../support/gcloud.ts';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { serve } from '../../emulator/web-server.ts';

const location = 'europe-west1';

/** The three settings, word for word as the README tells people to set them, but for the port. */
function readmeSettings({ port }: Emulator): Record<string, string> {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  const settings = [...readme.matchAll(/^export (CLOUDSDK_\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [
    name,
    value.replace('8123', String(port)),
  ]);
  return Object.fromEntries(settings) as Record<string, string>;
}

vi.setConfig({ testTimeout: GCLOUD_TIMEOUT_MS });

let emulator: Emulator;
let gcloud: (command: string) => Promise<{ stdout: string; stderr: string }>;
let json: (command: string) => Promise<unknown>;

beforeEach(async (context: TestContext) => {
  needGcloud(context);
  emulator = await startEmulator({ location });
  onTestFinished(() => emulator.close());
  const sdk = gcloudWith(readmeSettings(emulator));
  gcloud = (command) => sdk.run(`tasks ${command} --location=${location}`);
  json = (command) => sdk.json(`tasks ${command} --location=${location}`);
});

/** What a reader of the queue or task sees over REST. */
async function seen(path: string): Promise<unknown> {
  const project = readmeSettings(emulator)['CLOUDSDK_CORE_PROJECT'];
  const response = await fetch(`${emulator.url}/v2/projects/${project}/locations/${location}/queues/${path}`);
  return await response.json();
}

test('gcloud creates, describes, lists, updates, pauses, resumes, purges and deletes a queue', async () => {
  await gcloud('queues create mail --max-attempts=7 --max-dispatches-per-second=2.5');
  expect(await json('queues describe mail')).toMatchObject({
    name: expect.stringMatching(/\/locations\/europe-west1\/queues\/mail$/),
    state: 'RUNNING',
    rateLimits: { maxDispatchesPerSecond: 2.5 },
    retryConfig: { maxAttempts: 7, maxBackoff: '3600s' },
  });

  await gcloud('queues update mail --max-attempts=9 --min-backoff=2s');
  // What the command did not name stays as it was.
  expect(await seen('mail')).toMatchObject({
    rateLimits: { maxDispatchesPerSecond: 2.5 },
    retryConfig: { maxAttempts: 9, minBackoff: '2s' },
  });

  await gcloud('queues pause mail');
  expect(await seen('mail')).toMatchObject({ state: 'PAUSED' });
  expect((await gcloud('queues list')).stdout).toMatch(/^mail +PAUSED +1000 +2\.5 +9$/m);

  await gcloud('create-http-task --queue=mail --url=http://127.0.0.1:9/');
  expect(await seen('mail/tasks')).toHaveProperty('tasks.length', 1);
  await gcloud('queues purge mail');
  expect(await seen('mail/tasks')).not.toHaveProperty('tasks');

  await gcloud('queues resume mail');
  expect(await seen('mail')).toMatchObject({ state: 'RUNNING', purgeTime: expect.any(String) });

  await gcloud('queues delete mail');
  await expect(gcloud('queues describe mail')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Queue does not exist. If you just created the queue, wait'),
  });
});

test('gcloud creates, lists, describes, runs and deletes a task', async () => {
  const server = await serve();
  await gcloud('queues create mail');
  const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
  const create = (id: string): Promise<unknown> =>
    gcloud(
      `create-http-task ${id} --queue=mail --url=${server.url}/hook --method=PUT ` +
        `--header=Content-Type:text/plain --body-content=Grüße --schedule-time=${inAnHour}`,
    );
  await create('now');
  await create('never');
  await gcloud(`create-app-engine-task app --queue=mail --relative-uri=/x --schedule-time=${inAnHour}`);
  expect((await gcloud('list --queue=mail')).stdout).toMatch(/^never +http .* 0 +0 +Unknown$/m);
  expect(await json('describe now --queue=mail')).toMatchObject({
    name: expect.stringMatching(/\/queues\/mail\/tasks\/now$/),
    dispatchDeadline: '600s',
    httpRequest: { httpMethod: 'PUT', url: `${server.url}/hook`, headers: { 'Content-Type': 'text/plain' } },
    view: 'BASIC',
  });
  expect(await json('describe now --queue=mail --response-view=full')).toMatchObject({
    httpRequest: { body: Buffer.from('Grüße').toString('base64') },
    view: 'FULL',
  });

  // It is due in an hour; run now, it is delivered now, and is gone.
  const done = Promise.withResolvers<void>();
  emulator.observe((event) => {
    if (event.kind === 'taskDeleted') done.resolve();
  });
  await gcloud('run now --queue=mail');
  await done.promise;
  expect(server.requests).toMatchObject([
    { method: 'PUT', path: '/hook', body: 'Grüße', headers: { 'X-CloudTasks-TaskName': 'now' } },
  ]);

  await Promise.all(['never', 'app'].map((id) => gcloud(`delete ${id} --queue=mail`)));
  expect(await seen('mail/tasks')).toEqual({});
  expect(server.requests).toHaveLength(1);
});

test('gcloud lays an HTTP target over a queue, buffers tasks into it, and takes it away', async () => {
  await gcloud(
    'queues create mail --http-uri-override=scheme:http,host:127.0.0.1,port:9,path:/x --http-method-override=PUT ' +
      '--http-header-override=X-A:1 --http-oidc-service-account-email-override=a@p.iam.gserviceaccount.com',
  );
  await gcloud('queues pause mail');
  await Promise.all([gcloud('buffer --queue=mail --task-id=one'), gcloud('buffer --queue=mail')]);
  expect(await seen('mail/tasks')).toMatchObject({
    tasks: [{ httpRequest: { url: 'http://127.0.0.1:9/x' } }, { httpRequest: {} }],
  });
  await gcloud('queues update mail --http-uri-override=host:b.example --clear-http-method-override');
  expect(await seen('mail')).toMatchObject({
    httpTarget: {
      uriOverride: { host: 'b.example' },
      headerOverrides: [{ header: { key: 'X-A', value: '1' } }],
      oidcToken: { serviceAccountEmail: 'a@p.iam.gserviceaccount.com' },
    },
  });
  await gcloud(
    'queues update mail --clear-http-uri-override --clear-http-header-override ' +
      '--clear-http-oidc-service-account-email-override',
  );
  expect(await seen('mail')).not.toHaveProperty('httpTarget');
});

test('gcloud reads and writes the policy of a queue, the CMEK config, and the locations', async () => {
  await gcloud('queues create mail');
  const binding = { role: 'roles/cloudtasks.enqueuer', members: ['user:a@example.com'] };
  const flags = `--member=${binding.members[0]} --role=${binding.role}`;
  await gcloud(`queues add-iam-policy-binding mail ${flags}`);
  expect(await json('queues get-iam-policy mail')).toMatchObject({ bindings: [binding] });
  expect(await json(`queues remove-iam-policy-binding mail ${flags}`)).not.toHaveProperty('bindings');
  const folder = mkdtempSync(join(tmpdir(), 'pageturner-policy-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'policy.json');
  writeFileSync(file, JSON.stringify({ bindings: [binding] }));
  expect(await json(`queues set-iam-policy mail ${file}`)).toMatchObject({ bindings: [binding] });

  await gcloud('cmek-config update --kms-key-name=k --kms-keyring=r');
  expect(await json('cmek-config describe')).toMatchObject({
    kmsKey: expect.stringMatching(/\/locations\/europe-west1\/keyRings\/r\/cryptoKeys\/k$/),
  });
  expect(await json('cmek-config update --clear-kms-key')).not.toHaveProperty('kmsKey');

  const sdk = gcloudWith(readmeSettings(emulator));
  expect(await sdk.json('tasks locations list')).toMatchObject([{ locationId: location }]);
  expect(await sdk.json(`tasks locations describe ${location}`)).toMatchObject({ locationId: location });
});
