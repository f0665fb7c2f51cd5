import { CloudTasksClient } from '@google-cloud/tasks';
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { request } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator, type Emulator, type EmulatorOptions, type Warning } from '../../../emulator/index.ts';

const parent = 'projects/demo-pageturner/locations/us-central1/queues/mail';

async function start(options: EmulatorOptions = {}): Promise<{ emulator: Emulator; warnings: Warning[] }> {
  const warnings: Warning[] = [];
  const onWarning = (warning: Warning): void => void warnings.push(warning);
  const emulator = await startEmulator({ queues: [{ name: 'mail' }], onWarning, ...options });
  onTestFinished(() => emulator.close());
  return { emulator, warnings };
}

/** Lists queues as grpcurl would: without the header that Google's clients add. */
async function bareCall({ port }: Emulator): Promise<unknown> {
  const pass = (bytes: Buffer): Buffer => bytes;
  const Client = makeGenericClientConstructor({}, 'bare');
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const path = '/google.cloud.tasks.v2.CloudTasks/GetQueue';
  const message = Buffer.concat([Buffer.from([0x0a, parent.length]), Buffer.from(parent)]);
  return await new Promise((resolve) => {
    client.makeUnaryRequest(path, pass, pass, message, (error, answer) => resolve(error ?? answer));
  });
}

function client({ port }: Emulator): CloudTasksClient {
  const opened = new CloudTasksClient({
    apiEndpoint: '127.0.0.1',
    port,
    sslCreds: credentials.createInsecure(),
  });
  onTestFinished(() => opened.close());
  return opened;
}

const withToken = {
  httpRequest: {
    url: 'http://127.0.0.1:9/',
    oidcToken: { serviceAccountEmail: 'a@p.iam.gserviceaccount.com' },
  },
};

test('strict refuses what the service refuses, in its words', async () => {
  const { emulator, warnings } = await start({ profile: 'strict' });
  await expect(client(emulator).createTask({ parent, task: withToken })).rejects.toMatchObject({
    code: 3,
    details: "HttpRequest.url must start with 'https://' for request with HttpRequest.authorization_header",
  });
  await expect(client(emulator).getQueue({ name: parent }, { timeout: 60_000 })).rejects.toMatchObject({
    code: 3,
    details: expect.stringMatching(
      /^The request deadline is .*-0[78]:00\. The deadline cannot be more than 30s/,
    ),
  });
  expect(await bareCall(emulator)).toMatchObject({
    code: 3,
    details: expect.stringContaining(`"x-goog-request-params" must contain "name=${parent}"`),
  });
  expect(warnings).toEqual([]);
});

test('local lets it through and says once what the service would say', async () => {
  const { emulator, warnings } = await start();
  for (let n = 0; n < 2; n += 1) {
    await client(emulator).createTask({ parent, task: withToken });
    await bareCall(emulator);
  }
  expect(warnings.map(({ kind, subject }) => [kind, subject])).toEqual([
    ['token-over-http', parent],
    ['missing-request-params', 'GetQueue'],
  ]);
});

test('an emulator that listens to other machines says so, and one that does not is silent', async () => {
  expect((await start({ host: '0.0.0.0' })).warnings).toMatchObject([
    { kind: 'open-host', subject: '0.0.0.0' },
  ]);
  expect((await start()).warnings).toEqual([]);
});

test('a web page behind a name that leads here is refused', async () => {
  const { emulator } = await start();
  const status = await new Promise((resolve, reject) => {
    const headers = { host: 'evil.example' };
    request(`${emulator.url}/v2/${parent}`, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(403);
});

test('a new queue starts slowly with strict, at its own rate with local, and as the settings say with either', async () => {
  const rate = async (options: EmulatorOptions): Promise<string | undefined> => {
    const { emulator } = await start(options);
    const metrics = await (await fetch(`${emulator.url}/metrics`)).text();
    return /queue_effective_rate\{[^}]*\} (.*)/.exec(metrics)?.[1];
  };
  expect(await rate({ profile: 'strict' })).toBe('10');
  expect(await rate({ profile: 'local' })).toBe('500');
  expect(await rate({ profile: 'strict', settings: { hasSlowStart: false } })).toBe('500');
  expect(await rate({ settings: { hasSlowStart: true } })).toBe('10');
});
