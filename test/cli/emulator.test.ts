import { join } from 'node:path';
import { expect, test } from 'vitest';
import { serve } from '../emulator/web-server.ts';
import { runCli, startCli, type Ended } from '../support/cli.ts';
import { configFile, temporaryFolder } from '../support/config-file.ts';

/** Starts the emulator, creates a task with a token for an http:// address, and ends it. */
async function createTask(...args: string[]): Promise<Ended & { answer: unknown }> {
  const config = configFile({ project: 'demo-p', location: 'us-central1', queues: [{ name: 'mail' }] });
  const cli = startCli(['emulator', '--json', '--port', '0', '--config', config, ...args]);
  const { url } = JSON.parse(await cli.line(/"ready"/)) as { url: string };
  const oidcToken = { serviceAccountEmail: 'a@demo-p.iam.gserviceaccount.com' };
  const response = await fetch(`${url}/v2/projects/demo-p/locations/us-central1/queues/mail/tasks`, {
    method: 'POST',
    body: JSON.stringify({ task: { httpRequest: { url: 'http://127.0.0.1:9/', oidcToken } } }),
  });
  const answer: unknown = await response.json();
  cli.process.kill('SIGINT');
  return { ...(await cli.ended), answer };
}

const REFUSAL =
  "HttpRequest.url must start with 'https://' for request with HttpRequest.authorization_header";

test('the emulator lets through what production would refuse, and says so on standard error', async () => {
  const { answer, stderr } = await createTask();
  expect(answer).toHaveProperty('name');
  expect(stderr).toBe(`Warning: mail: the service would refuse this with INVALID_ARGUMENT: ${REFUSAL}\n`);
});

test('the emulator refuses it with --profile strict', async () => {
  const { answer, stderr } = await createTask('--profile', 'strict');
  expect(answer).toMatchObject({ error: { status: 'INVALID_ARGUMENT', message: REFUSAL } });
  expect(stderr).toBe('');
});

test('an emulator for other machines says so, and names addresses that can be called', async () => {
  const { ready, stderr } = await startAndEnd('--host', '0.0.0.0');
  const { url, issuer, env } = ready;
  expect(stderr).toMatch(/^Warning: 0\.0\.0\.0: the emulator listens to other machines too/);
  expect(stderr).toContain('give publicUrl (--public-url) if others verify them.');
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(issuer).toBe(url);
  expect(`http://${env['CLOUD_TASKS_EMULATOR_HOST']}`).toBe(url);
});

test('a public address is the issuer, and what others are told', async () => {
  const address = 'http://tasks.test:8123';
  const { ready, stderr } = await startAndEnd('--host', '0.0.0.0', '--public-url', `${address}/`);
  expect(stderr).not.toContain('--public-url');
  expect(ready).toMatchObject({
    url: expect.stringContaining('http://127.0.0.1:'),
    issuer: address,
    env: { CLOUD_TASKS_EMULATOR_HOST: 'tasks.test:8123', GCE_METADATA_HOST: 'tasks.test:8123' },
    gcloud: { CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDTASKS: `${address}/` },
  });
});

test.each([
  ['http://tasks.test', /^tasks\.test:80$/],
  // Clients that are told of an emulator speak without TLS.
  ['https://tasks.test', /^127\.0\.0\.1:\d+$/],
])(
  'clients of an emulator that is public at %s are told a port, and where there is no TLS',
  async (address, expected) => {
    const { ready } = await startAndEnd('--public-url', address);
    expect(ready.issuer).toBe(address);
    expect(ready.env['CLOUD_TASKS_EMULATOR_HOST']).toMatch(expected);
  },
);

test.each<[NodeJS.Signals, string[], RegExp]>([
  ['SIGINT', [], /\nEnded\. Its tasks were in memory, and are gone\.\n$/],
  ['SIGTERM', ['--data', 'DATA'], /\nEnded\. All is in .*tasks\.db\.\n$/],
  ['SIGTERM', ['--json'], /\n\{"event":"ended"\}\n$/],
])(
  '%s ends the emulator with %j while a target hangs, and the last line says so',
  async (signal, args, last) => {
    const arrived = Promise.withResolvers<void>();
    const target = await serve(() => arrived.resolve());
    const config = configFile({ project: 'demo-p', queues: [{ name: 'mail' }] });
    const data = join(temporaryFolder(), 'tasks.db');
    const options = args.map((text) => (text === 'DATA' ? data : text));
    const cli = startCli(['emulator', '--port', '0', '--config', config, ...options]);
    const [url = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(await cli.line(/http:/)) ?? [];
    await fetch(`${url}/${tasks}`, {
      method: 'POST',
      body: JSON.stringify({ task: { httpRequest: { url: target.url } } }),
    });
    await arrived.promise;
    cli.process.kill(signal);
    const { status, stdout } = await cli.ended;
    expect(status).toBe(0);
    expect(stdout).toMatch(last);
  },
);

test('a port that is taken is named with the option that named it', async () => {
  const { url } = await serve();
  const { stderr, status } = await runCli(['emulator', '--port', new URL(url).port]);
  expect(status).toBe(1);
  expect(stderr).toContain(
    'is occupied.\nStop what listens there, or set another --port (0 takes any free port).',
  );
});

test.each([
  [['--public-url', 'tasks'], 'publicUrl is "tasks": write an address such as'],
  [['--app-engine-url', 'mail=nowhere'], 'appEngineUrl.mail is "nowhere": write an address such as'],
  [['--host', '192.0.2.1'], 'Nobody can listen at 192.0.2.1: this machine has no such address.'],
  [['--host', ''], 'host is "": write a host name or an address, such as 127.0.0.1.'],
  [['--data', ''], 'dataFile is "": write the name of a file.'],
  [['--task-name-reuse-after', '1h'], 'Write seconds followed by "s", such as 3600s.'],
])('what cannot be meant by %j is refused with the mend', async (args, text) => {
  const { status, stderr } = await runCli(['emulator', '--port', '0', ...args]);
  expect(status).not.toBe(0);
  expect(stderr).toContain(text);
});

const tasks = 'v2/projects/demo-p/locations/us-central1/queues/mail/tasks';
const byOptions = (url: string): { args: string[] } => ({
  args: [
    '--app-engine-url',
    `mail=${url}/mail`,
    `${url}/other`,
    '--follow-redirects',
    '--trace-context',
    '--task-name-reuse-after',
    '0s',
    '--slow-start',
  ],
});
const byConfiguration = (url: string): { config: object } => ({
  config: {
    appEngineUrl: { mail: `${url}/mail`, default: `${url}/other` },
    followRedirects: true,
    traceContext: true,
    settings: { taskNameReuseAfter: '0s', hasSlowStart: true },
  },
});

test.each([
  ['options', byOptions],
  ['the configuration', byConfiguration],
])(
  'App Engine addresses, redirects, traces, times of names and slow starts can be given by %s',
  async (_, given) => {
    const target = await serve((response, { path }) => {
      if (path === '/moved') response.writeHead(307, { location: '/arrived' });
      response.end();
    });
    const { args = [], config = {} }: { args?: string[]; config?: object } = given(target.url);
    const file = configFile({ project: 'demo-p', queues: [{ name: 'mail' }], ...config });
    const cli = startCli(['emulator', '--json', '--port', '0', '--config', file, ...args]);
    const { url, console: page } = JSON.parse(await cli.line(/"ready"/)) as Ready;
    expect((await fetch(page)).headers.get('content-type')).toMatch(/^text\/html/);
    const post = async (task: object): Promise<void> => {
      const response = await fetch(`${url}/${tasks}`, { method: 'POST', body: JSON.stringify({ task }) });
      expect(response.status).toBe(200);
      await fetch(`${url}/emulator/v1/idle`);
    };
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/queue_effective_rate\{.*\} 10\n/);
    await post({ appEngineHttpRequest: { relativeUri: '/a', appEngineRouting: { service: 'mail' } } });
    await post({ appEngineHttpRequest: { relativeUri: '/b' } });
    const name = `projects/demo-p/locations/us-central1/queues/mail/tasks/again`;
    await post({ name, httpRequest: { url: `${target.url}/moved`, httpMethod: 'GET' } });
    await post({ name, httpRequest: { url: `${target.url}/again`, httpMethod: 'GET' } });
    cli.process.kill('SIGINT');
    await cli.ended;
    expect(target.requests.map(({ path }) => path)).toEqual([
      '/mail/a',
      '/other/b',
      '/moved',
      '/arrived',
      '/again',
    ]);
    for (const { headers } of target.requests) expect(headers['traceparent']).toMatch(/^00-/);
  },
);

interface Ready {
  readonly url: string;
  readonly console: string;
  readonly issuer: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Starts the emulator and ends it as soon as it answers. */
async function startAndEnd(...args: string[]): Promise<Ended & { ready: Ready }> {
  const cli = startCli(['emulator', '--json', '--port', '0', '--config', configFile({}), ...args]);
  const ready = JSON.parse(await cli.line(/"ready"/)) as Ready;
  cli.process.kill('SIGINT');
  return { ...(await cli.ended), ready };
}
