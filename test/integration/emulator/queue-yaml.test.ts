import { v2beta2 } from '@google-cloud/tasks';
import { credentials } from '@grpc/grpc-js';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { callRest } from './call-rest.ts';

const location = 'projects/p/locations/us-central1';

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator();
  onTestFinished(() => emulator.close());
});

async function upload(yaml: string, query = '?appId=p'): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${emulator.url}/api/queue/update${query}`, { method: 'POST', body: yaml });
  return { status: response.status, body: await response.json() };
}

async function queues(): Promise<unknown> {
  return (await callRest(emulator, 'GET', `/v2beta3/${location}/queues`)).body;
}

test('UploadQueueYaml over gRPC makes the queues of the file and disables the others', async () => {
  await callRest(emulator, 'POST', `/v2/${location}/queues`, { name: `${location}/queues/made-by-api` });
  const client = new v2beta2.CloudTasksClient({
    apiEndpoint: '127.0.0.1',
    port: emulator.port,
    sslCreds: credentials.createInsecure(),
  });
  onTestFinished(() => client.close());
  const yaml = 'queue:\n- name: mail\n  rate: 2/s\n- name: work\n  mode: pull\n';
  await client.uploadQueueYaml({ appId: 'p', httpBody: { data: Buffer.from(yaml) } });
  expect(await queues()).toMatchObject({
    queues: [
      { name: `${location}/queues/mail`, state: 'RUNNING', rateLimits: { maxDispatchesPerSecond: 2 } },
      { name: `${location}/queues/made-by-api`, state: 'DISABLED' },
      { name: `${location}/queues/work`, state: 'RUNNING', type: 'PULL' },
    ].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  });
  await expect(
    client.uploadQueueYaml({ appId: 'p', httpBody: { data: Buffer.from('queue:\n- name: a\n') } }),
  ).rejects.toMatchObject({
    code: 3,
    details: expect.stringContaining('Line 2, queue[0].rate: Refill rate'),
  });
  await expect(client.uploadQueueYaml({ httpBody: { data: Buffer.from(yaml) } })).rejects.toMatchObject({
    code: 3,
    details: expect.stringContaining('app_id is required'),
  });
  await expect(client.uploadQueueYaml({ appId: 'p' })).rejects.toMatchObject({
    code: 3,
    details: expect.stringContaining('Empty queue configuration'),
  });
});

test('over HTTP the body is the file, and a queue that comes back in a later file runs again', async () => {
  expect(await upload('queue:\n- name: mail\n  rate: 2/s\n')).toEqual({ status: 200, body: {} });
  expect(await upload('queue:\n')).toEqual({ status: 200, body: {} });
  expect(await queues()).toMatchObject({ queues: [{ state: 'DISABLED' }] });
  expect(await upload('queue:\n- name: mail\n  rate: 3/s\n')).toEqual({ status: 200, body: {} });
  expect(await queues()).toMatchObject({
    queues: [{ state: 'RUNNING', rateLimits: { maxDispatchesPerSecond: 3 } }],
  });
});

test('a file of which one queue is refused changes nothing', async () => {
  await upload('queue:\n- name: mail\n  rate: 2/s\n');
  const before = await queues();
  const refused = await upload('queue:\n- name: other\n  rate: 2/s\n- name: mail\n  mode: pull\n');
  expect(refused).toMatchObject({
    status: 400,
    body: { error: { status: 'INVALID_ARGUMENT', message: expect.stringContaining('cannot become a pull') } },
  });
  expect(await upload('queue: [', '?appId=p')).toMatchObject({ status: 400 });
  expect(await upload('queue:\n', '?appId=a_b')).toMatchObject({ status: 403 });
  expect(await upload('queue:\n', '')).toMatchObject({ status: 400 });
  expect(await queues()).toEqual(before);
});
