import { beforeEach, expect, test, vi } from 'vitest';
import { GCLOUD_TIMEOUT_MS, gcloudTasks } from '../../support/gcloud.ts';
import type { Emulator } from '../../../emulator/index.ts';
import { callRest } from './call-rest.ts';

vi.setConfig({ testTimeout: GCLOUD_TIMEOUT_MS });

let emulator: Emulator;
let gcloud: (command: string) => Promise<unknown>;

beforeEach(async (context) => {
  ({ emulator, gcloud } = await gcloudTasks(context, 'alpha'));
});

/** What stands there, for which no command need be started. */
async function seen(path: string): Promise<unknown> {
  return (await callRest(emulator, 'GET', `/v2beta2/projects/p/locations/l/queues/${path}`)).body;
}

interface Leased {
  readonly name: string;
  readonly scheduleTime: string;
}

test('gcloud alpha leases, renews, gives back and acknowledges tasks of a pull queue', async () => {
  await gcloud('queues create-pull-queue q --max-attempts=3');
  expect(await gcloud('queues update-pull-queue q --max-attempts=5')).toMatchObject({
    pullTarget: {},
    retryConfig: { maxAttempts: 5 },
  });
  await gcloud('create-pull-task one --queue=q --payload-content=work --tag=t');
  await gcloud('create-pull-task two --queue=q --payload-content=more --tag=u');
  const [leased] = (await gcloud('lease --queue=q --lease-duration=60 --tag=t')) as [Leased];
  expect(leased).toMatchObject({ name: expect.stringMatching(/\/one$/), pullMessage: { tag: 't' } });
  const [oldest] = (await gcloud('lease --queue=q --lease-duration=60 --oldest-tag --limit=1')) as [Leased];
  expect(oldest).toMatchObject({ name: expect.stringMatching(/\/two$/) });
  const renewed = (await gcloud(
    `renew-lease one --queue=q --schedule-time=${leased.scheduleTime} --lease-duration=120`,
  )) as Leased;
  await gcloud(`cancel-lease one --queue=q --schedule-time=${renewed.scheduleTime}`);
  const [again] = (await gcloud('lease --queue=q --lease-duration=60')) as [Leased];
  expect(again).toMatchObject({ name: leased.name });
  await gcloud(`acknowledge one --queue=q --schedule-time=${again.scheduleTime}`);
  expect(await seen('q/tasks')).toMatchObject({ tasks: [{ name: oldest.name }] });
});

test('gcloud alpha keeps queues and push tasks in the words of v2beta2', async () => {
  const [, app] = await Promise.all([
    gcloud('queues create q --http-uri-override=scheme:http,host:127.0.0.1,port:9'),
    gcloud(
      'queues create-app-engine-queue a --max-tasks-dispatched-per-second=5 --max-concurrent-tasks=3 --routing-override=service:s',
    ),
  ]);
  expect(app).toMatchObject({
    appEngineHttpTarget: { appEngineRoutingOverride: { service: 's' } },
    rateLimits: { maxTasksDispatchedPerSecond: 5, maxConcurrentTasks: 3 },
  });
  const updated = await gcloud('queues update-app-engine-queue a --max-attempts=4 --clear-routing-override');
  expect(updated).toMatchObject({ retryConfig: { maxAttempts: 4 } });
  expect(updated).not.toHaveProperty('appEngineHttpTarget.appEngineRoutingOverride');
  expect(await gcloud('queues update q --max-attempts=7')).toMatchObject({ retryConfig: { maxAttempts: 7 } });

  await gcloud('queues pause q');
  await Promise.all([
    gcloud('buffer --queue=q --task-id=buffered'),
    gcloud('create-http-task web --queue=q --url=http://127.0.0.1:9/'),
    gcloud('create-app-engine-task app --queue=q --url=/x --payload-content=hi --routing=service:s'),
  ]);
  expect(await gcloud('list --queue=q')).toHaveLength(3);
  expect(await gcloud('describe app --queue=q --response-view=full')).toMatchObject({
    appEngineHttpRequest: { relativeUrl: '/x', payload: Buffer.from('hi').toString('base64') },
  });
  expect(await gcloud('run web --queue=q')).toMatchObject({ status: { attemptDispatchCount: 1 } });
  await gcloud('delete app --queue=q');
  await gcloud('queues purge q');
  await gcloud('queues resume q');
  expect(await gcloud('queues describe q')).toMatchObject({
    state: 'RUNNING',
    purgeTime: expect.any(String),
  });
  await gcloud('queues delete q');
  expect(await gcloud('queues list')).toHaveLength(1);
});

test('gcloud alpha binds roles to a queue, and sets the key of a location', async () => {
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
