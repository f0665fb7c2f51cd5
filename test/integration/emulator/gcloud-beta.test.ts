import { beforeEach, expect, test, vi } from 'vitest';
import { GCLOUD_TIMEOUT_MS, gcloudTasks } from '../../support/gcloud.ts';
import type { Emulator } from '../../../emulator/index.ts';
import { callRest } from './call-rest.ts';

vi.setConfig({ testTimeout: GCLOUD_TIMEOUT_MS });

let emulator: Emulator;
let gcloud: (command: string) => Promise<unknown>;

beforeEach(async (context) => {
  ({ emulator, gcloud } = await gcloudTasks(context, 'beta'));
});

/** What stands there, for which no command need be started. */
async function seen(path: string): Promise<unknown> {
  return (
    await callRest(emulator, 'GET', `/v2beta3/projects/p/locations/l/queues/${path}`.replace(/\/$/, ''))
  ).body;
}

test('gcloud beta sets the HTTP target and one limit of a queue, and buffers a task', async () => {
  await gcloud(
    'queues create q --type=push --http-uri-override=scheme:http,host:127.0.0.1,port:9,path:/x ' +
      '--max-attempts=3 --log-sampling-ratio=0.5',
  );
  await gcloud('queues update q --type=push --max-dispatches-per-second=7 --clear-max-attempts');
  expect(await gcloud('queues describe q')).toMatchObject({
    type: 'PUSH',
    httpTarget: {
      uriOverride: { scheme: 'HTTP', host: '127.0.0.1', port: '9', pathOverride: { path: '/x' } },
    },
    rateLimits: { maxDispatchesPerSecond: 7, maxConcurrentDispatches: 1000 },
    retryConfig: { maxAttempts: 100 },
    stackdriverLoggingConfig: { samplingRatio: 0.5 },
  });
  await gcloud('queues pause q');
  await gcloud('buffer --queue=q --task-id=one');
  expect(await seen('q/tasks')).toMatchObject({
    tasks: [{ name: expect.stringMatching(/\/one$/), httpRequest: { url: 'http://127.0.0.1:9/x' } }],
  });
  await gcloud('queues update q --type=push --clear-http-uri-override');
  expect(await seen('q')).not.toHaveProperty('httpTarget');
});

test('gcloud beta creates, describes, runs, purges and deletes tasks, and resumes and deletes the queue', async () => {
  await gcloud('queues create q');
  await gcloud('queues pause q');
  await Promise.all([
    gcloud('create-http-task web --queue=q --url=http://127.0.0.1:9/ --method=PUT --body-content=hi'),
    gcloud('create-app-engine-task app --queue=q --relative-uri=/x --routing=service:s --body-content=hi'),
  ]);
  expect(await gcloud('describe web --queue=q --response-view=full')).toMatchObject({
    httpRequest: { httpMethod: 'PUT', body: Buffer.from('hi').toString('base64') },
  });
  expect(await gcloud('run app --queue=q')).toMatchObject({ dispatchCount: 1 });
  await gcloud('delete app --queue=q');
  await gcloud('queues purge q');
  expect(await gcloud('list --queue=q')).toEqual([]);
  await gcloud('queues resume q');
  expect(await gcloud('queues list')).toMatchObject([{ state: 'RUNNING', purgeTime: expect.any(String) }]);
  await gcloud('queues delete q');
  expect(await seen('')).toEqual({});
});

test('gcloud beta creates pull queues and, by names that it gives up, App Engine queues', async () => {
  const [pull] = await Promise.all([
    gcloud('queues create-pull-queue p'),
    gcloud('queues create-app-engine-queue a --routing-override=service:s,version:v'),
  ]);
  expect(pull).toMatchObject({ type: 'PULL' });
  const [updatedPull, updatedApp] = await Promise.all([
    gcloud('queues update p --type=pull --max-attempts=4'),
    gcloud('queues update-app-engine-queue a --max-attempts=5'),
  ]);
  expect(updatedPull).toMatchObject({ type: 'PULL', retryConfig: { maxAttempts: 4 } });
  expect(updatedApp).toMatchObject({
    type: 'PUSH',
    retryConfig: { maxAttempts: 5 },
    appEngineHttpQueue: { appEngineRoutingOverride: { service: 's', version: 'v' } },
  });
});

test('gcloud beta binds roles to a queue, and sets the key of a location', async () => {
  await gcloud('queues create q');
  const binding = { role: 'roles/cloudtasks.enqueuer', members: ['user:a@example.com'] };
  const flags = `--member=${binding.members[0]} --role=${binding.role}`;
  await gcloud(`queues add-iam-policy-binding q ${flags}`);
  expect(await gcloud('queues get-iam-policy q')).toMatchObject({ bindings: [binding] });
  expect(await gcloud(`queues remove-iam-policy-binding q ${flags}`)).not.toHaveProperty('bindings');
  const kmsKey = 'projects/p/locations/l/keyRings/r/cryptoKeys/k';
  await gcloud(`cmek-config update --kms-key-name=${kmsKey}`);
  expect(await gcloud('cmek-config describe')).toMatchObject({ kmsKey });
});
