import { expect, test } from 'vitest';
import { runCli, startCli, untilAllGone } from '../support/cli.ts';
import { configFile } from '../support/config-file.ts';

const node = process.execPath;

/** Calls a function and the emulator by the environment that it was given, and ends with status 7. */
const look = `
  const { env } = process;
  const status = async (url) => (await fetch(url)).status;
  console.log(JSON.stringify({
    env,
    worker: await status(env.PAGETURNER_FUNCTIONS_URL + '/send-mail'),
    tasks: await status('http://' + env.CLOUD_TASKS_EMULATOR_HOST + '/healthz'),
    firestore: await status('http://' + env.FIRESTORE_EMULATOR_HOST),
    issuer: await status(env.PAGETURNER_ISSUER + '/.well-known/openid-configuration'),
  }));
  process.exitCode = 7;
`;

/** Starts another process that heeds no SIGTERM, says so, and never ends by itself. */
const endless = `
  const { spawn } = require('node:child_process');
  const stubborn = "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)";
  spawn(process.execPath, ['-e', stubborn], { stdio: 'inherit' });
  setInterval(() => {}, 1000);
`;

test('exec runs a command with everything up and its environment set, and ends with its status', async () => {
  const cli = startCli([
    'exec',
    '--config',
    configFile({ project: 'demo-exec', location: 'europe-west1' }),
    '--',
    node,
    '--input-type=module',
    '-e',
    look,
  ]);
  const { status, stdout, stderr } = await cli.ended;
  expect({ status, stderr }).toEqual({ status: 7, stderr: '' });
  // Standard output is the command's alone.
  const seen = JSON.parse(stdout) as { env: Record<string, string> };
  expect(seen).toMatchObject({ worker: 401, tasks: 200, firestore: 200, issuer: 200 });
  expect(seen.env).toMatchObject({
    GOOGLE_CLOUD_PROJECT: 'demo-exec',
    PAGETURNER_LOCATION: 'europe-west1',
    PAGETURNER_SERVICE_ACCOUNT: 'pageturner@demo-exec.iam.gserviceaccount.com',
    PAGETURNER_CALLERS: 'developer@demo-exec.iam.gserviceaccount.com',
    SMTP_URL: expect.stringMatching(/^smtp:\/\/127\.0\.0\.1:\d+$/),
    GCE_METADATA_HOST: seen.env['CLOUD_TASKS_EMULATOR_HOST'],
    METADATA_SERVER_DETECTION: 'assume-present',
  });
  expect(cli.family()).toEqual([]);
});

test('exec of a command that does not exist ends with 127 and leaves nothing behind', async () => {
  const cli = startCli(['exec', '--config', configFile(), '--', 'no-such-command-anywhere', '--json']);
  expect(await cli.ended).toEqual({
    status: 127,
    stdout: '',
    stderr: 'pageturner: There is no command no-such-command-anywhere.\n',
  });
  expect(cli.family()).toEqual([]);
});

test('exec without a command says how it is called', async () => {
  expect(await runCli(['exec'])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("missing required argument 'command'"),
  });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends the command with all that it started, and everything else', async (signal, status) => {
  const cli = startCli(['exec', '--config', configFile(), '--', node, '-e', endless]);
  await cli.line(/^up$/);
  expect(cli.family().length).toBeGreaterThan(4);
  cli.process.kill(signal);
  expect(await cli.ended).toMatchObject({ status, stderr: '' });
  expect(cli.family()).toEqual([]);
});

test("SIGKILL of the CLI leaves nothing behind, Google's Firestore emulator included", async () => {
  const env = { FIRESTORE_EMULATOR_HOST: undefined };
  const cli = startCli(['exec', '--config', configFile(), '--', node, '-e', endless], { env });
  await cli.line(/^up$/);
  const family = cli.family();
  cli.process.kill('SIGKILL');
  await untilAllGone(family);
  expect(cli.family()).toEqual([]);
});
