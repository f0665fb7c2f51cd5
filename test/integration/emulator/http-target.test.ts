import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator } from '../../../emulator/index.ts';
import { callRest } from './call-rest.ts';
import { serve } from '../../emulator/web-server.ts';

const location = 'projects/p/locations/us-central1';
const queue = `${location}/queues/mail`;

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator();
  onTestFinished(() => emulator.close());
});

describe('the HTTP target of a queue', () => {
  test('is kept at v2 over REST, changed leaf by leaf in either spelling, and laid over tasks when they are delivered', async () => {
    const server = await serve();
    const { hostname: host, port } = new URL(server.url);
    const httpTarget = {
      uriOverride: { scheme: 'HTTP', host, port, pathOverride: { path: '/queue' } },
      headerOverrides: [{ header: { key: 'X-Queue', value: '1' } }],
    };
    await callRest(emulator, 'POST', `/v2/${location}/queues`, { name: queue, httpTarget });
    await callRest(emulator, 'PATCH', `/v2/${queue}?updateMask=httpTarget.httpMethod`, {
      httpTarget: { httpMethod: 'PUT' },
    });
    const masked = await callRest(
      emulator,
      'PATCH',
      `/v2/${queue}?updateMask=http_target.oidc_token.service_account_email`,
      {
        httpTarget: { oidcToken: { serviceAccountEmail: 'q@p.iam.gserviceaccount.com', audience: 'a' } },
      },
    );
    expect(masked.body).toMatchObject({
      httpTarget: {
        ...httpTarget,
        httpMethod: 'PUT',
        uriOverride: { host, port, uriOverrideEnforceMode: 'ALWAYS' },
        oidcToken: { serviceAccountEmail: 'q@p.iam.gserviceaccount.com' },
      },
    });
    const idle = emulator.idle();
    await callRest(emulator, 'POST', `/v2/${queue}/tasks`, {
      task: { httpRequest: { url: 'https://task.example/task' } },
    });
    await idle;
    await emulator.idle();
    expect(server.requests).toMatchObject([
      {
        method: 'PUT',
        path: '/queue',
        headers: { 'X-Queue': '1', Authorization: expect.stringMatching(/^Bearer /) },
      },
    ]);
  });

  test.each(['tasks/one:buffer', 'tasks/:buffer', 'tasks:buffer'])(
    'makes a task of any body that is posted to %s',
    async (path) => {
      const server = await serve();
      const { hostname: host, port } = new URL(server.url);
      await callRest(emulator, 'POST', `/v2beta3/${location}/queues`, {
        name: queue,
        httpTarget: { uriOverride: { scheme: 'HTTP', host, port, pathOverride: { path: '/buffered' } } },
      });
      const { status, body } = await callRest(emulator, 'POST', `/v2/${queue}/${path}`, 'any bytes');
      await emulator.idle();
      expect([status, body]).toEqual([
        200,
        {
          task: expect.objectContaining({
            name: expect.stringMatching(path.includes('one') ? /\/one$/ : /\/\d{20}$/),
          }),
        },
      ]);
      expect(server.requests).toMatchObject([
        { method: 'POST', path: '/buffered', body: 'any bytes', headers: { 'Content-Type': 'text/plain' } },
      ]);
    },
  );

  test('is needed for buffering', async () => {
    await callRest(emulator, 'POST', `/v2/${location}/queues`, { name: queue });
    expect(await callRest(emulator, 'POST', `/v2/${queue}/tasks:buffer`, 'any')).toMatchObject({
      status: 400,
    });
    expect(await callRest(emulator, 'POST', `/v2/${location}/queues/none/tasks:buffer`, 'any')).toMatchObject(
      {
        status: 404,
      },
    );
  });
});
