import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findFirestoreEmulator } from '../../cli/local/firestore-installation.ts';
import { projectFolder, runCli } from '../support/cli.ts';
import { configFile, temporaryFolder } from '../support/config-file.ts';

const command = (config: string): string[] => ['exec', '--config', config, '--', 'true'];
/** Nothing is found but what the test puts there. */
const bareEnv = { FIRESTORE_EMULATOR_HOST: undefined, JAVA_HOME: undefined, HOME: '/nonexistent' };

async function occupiedPort(): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

test("a machine without Google's Firestore emulator is told how to get one", async () => {
  const env = { ...bareEnv, PATH: temporaryFolder() };
  expect(await runCli(command(configFile()), { env })).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(
      /^pageturner: Google's Firestore emulator is not on this machine\.\nInstall it with `gcloud components install/,
    ),
  });
});

test('a machine without Java is told how to get it', async () => {
  const folder = temporaryFolder();
  // A link to where gcloud is, and nothing else.
  const { jar } = findFirestoreEmulator(process.env);
  symlinkSync(join(jar, '../../../bin/gcloud'), join(folder, 'gcloud'));
  const { status, stderr } = await runCli(command(configFile()), { env: { ...bareEnv, PATH: folder } });
  expect(status).toBe(1);
  expect(stderr).toMatch(/needs Java, and there is no java on PATH\.\nInstall one, for example with/);
});

test('a JAVA_HOME without Java in it is named', async () => {
  const env = { ...bareEnv, HOME: process.env['HOME'], JAVA_HOME: '/nonexistent/java' };
  expect((await runCli(command(configFile()), { env })).stderr).toContain(
    'JAVA_HOME is /nonexistent/java, but there is no bin/java in it.\nPoint JAVA_HOME at a Java installation',
  );
});

test.each([
  ['tasks', 'the Cloud Tasks emulator'],
  ['firestore', 'the Firestore emulator'],
  ['functions', 'the functions'],
  ['smtp', 'the SMTP server'],
])('an occupied port for %s is named, with who wants it and where to change it', async (name, service) => {
  const port = await occupiedPort();
  const ports = { tasks: 0, firestore: 0, functions: 0, smtp: 0, [name]: port };
  // With one named that runs already, no port for Firestore is wanted.
  const env = { FIRESTORE_EMULATOR_HOST: undefined };
  expect(await runCli(['dev', '--config', configFile({ ports })], { env })).toEqual({
    status: 1,
    stdout: '',
    stderr:
      `pageturner: Port ${port}, wanted by ${service}, is occupied.\n` +
      `Stop what listens there, or set another ports.${name} in emulator.config.json (0 takes any free port).\n`,
  });
});

test('a faulty configuration is refused with the path of each fault, on standard error', async () => {
  const file = join(temporaryFolder(), 'mine.json');
  writeFileSync(file, '{"ports": {"tasks": "8123"}, "queus": []}');
  const { status, stderr } = await runCli(['emulator', '--config', file]);
  expect(status).toBe(1);
  expect(stderr).toBe(
    `pageturner: ${file} cannot be used:\n` +
      '  ports.tasks: "8123" is not a number\n' +
      '  queus: unknown key: did you mean queues?\n' +
      'Mend the file, or give another one.\n',
  );
});

test.each([
  [
    'a main that is not there',
    'nope.ts',
    '',
    '/package.json names "nope.ts" as its "main", which is not there.\n',
  ],
  [
    'code that throws',
    'f.ts',
    'throw new Error("no database today");',
    'Error: no database today (FOLDER/f.ts:1).\n',
  ],
  [
    'code that is not TypeScript',
    'f.ts',
    'const x: = ;',
    /do not load: SyntaxError .* \(FOLDER\/f\.ts:1\)\.\n/,
  ],
  [
    'code that waits for ever',
    'f.ts',
    'await new Promise(() => {});',
    'they wait for something that never comes',
  ],
  ['code that ends the process', 'f.ts', 'process.exit(3);', 'they end by themselves and say nothing.\n'],
])('a project with %s is told so, and what to do', async (_, main, code, said) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', main }));
  writeFileSync(join(folder, 'f.ts'), code);
  symlinkSync(join(projectFolder, 'node_modules'), join(folder, 'node_modules'));
  const { status, stdout, stderr } = await runCli(command(configFile()), { cwd: folder });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  const last = stderr.slice(stderr.indexOf('pageturner: ')).replaceAll(folder, 'FOLDER');
  if (typeof said === 'string') expect(last).toContain(said);
  else expect(last).toMatch(said);
  expect(last).toMatch(/\n(Mend the file|Write the module)[^\n]*\n$/);
});

test.each([
  ['runs', 'list'],
  ['queues', 'list'],
])(
  'without credentials for Google Cloud %s %s says how to log in, and warns of nothing else',
  async (...command) => {
    const place = ['--cloud', '--project', 'demo-nowhere', '--location', 'us-central1'];
    const home = temporaryFolder();
    const env = { HOME: home, CLOUDSDK_CONFIG: home, GOOGLE_APPLICATION_CREDENTIALS: undefined };
    const args = command[0] === 'runs' ? place.slice(0, 3) : place;
    const { status, stdout, stderr } = await runCli([...command, ...args, '--json'], { env });
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'refused',
        message: 'This machine has no credentials for Google Cloud.',
        nextStep: 'Log in with `gcloud auth application-default login`.',
      },
    });
  },
);

test.each([
  [['--project', 'My Project'], 2, /^pageturner: My Project can be no id of a project\.\nGive its id/],
  [['--config', '/none.json'], 1, /^pageturner: \/none\.json cannot be used:\n.*\nMend the file, or give/],
] as const)('runs list %j names the fault and the next step', async (args, status, said) => {
  const ended = await runCli(['runs', 'list', ...args]);
  expect(ended).toEqual({ status, stdout: '', stderr: expect.stringMatching(said) });
});
