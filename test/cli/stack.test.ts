import { Firestore } from '@google-cloud/firestore';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { seedStudents } from '../../functions/seed.ts';
import { projectFolder, runCli, startCli, type Ended, type RunningCli } from '../support/cli.ts';
import { untilEnded } from '../support/runs.ts';
import { standingConfigFile } from '../support/config-file.ts';

// Each call of the command line is a process of its own, and there are many.
vi.setConfig({ testTimeout: 180_000 });

/** One `pageturner dev` for all that is asked of it here. */
let dev: RunningCli;
let config: string;
let env: Record<string, string>;
let parent: string;

beforeAll(async () => {
  config = standingConfigFile();
  dev = startCli(['dev', '--json', '--config', config]);
  const ready = JSON.parse(await dev.line(/"event":"ready"/)) as { env: Record<string, string> };
  ({ env } = ready);
  parent = `projects/${env['GOOGLE_CLOUD_PROJECT']}/locations/${env['PAGETURNER_LOCATION']}`;
});

afterAll(async () => {
  dev.process.kill('SIGINT');
  await dev.ended;
});

async function cli(...args: readonly string[]): Promise<Ended> {
  return await runCli([...args, '--config', config], { env });
}

async function json(...args: readonly string[]): Promise<unknown> {
  const { stdout, stderr, status } = await cli(...args, '--json');
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return JSON.parse(stdout);
}

describe('queues', () => {
  test('list shows those of the configuration, for people in columns', async () => {
    const { stdout, status } = await cli('queues', 'list');
    expect(status).toBe(0);
    expect(stdout.split('\n').map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
      'QUEUE STATE RATE BURST CONCURRENT ATTEMPTS BACKOFF',
      'iterate RUNNING 500/s 100 1000 100 0.1s to 3600s',
      'mail RUNNING 500/s 100 1000 100 0.1s to 3600s',
      '',
    ]);
  });

  test('describe, pause, resume and purge tell the queue as it is then', async () => {
    expect(await json('queues', 'describe', 'mail')).toMatchObject({ name: `${parent}/queues/mail` });
    expect(await json('queues', 'pause', 'mail')).toMatchObject({ state: 'PAUSED' });
    expect((await cli('queues', 'resume', 'mail')).stdout).toBe('Queue mail is resumed: RUNNING.\n');
    expect(await json('queues', 'purge', 'mail')).toMatchObject({ purgeTime: expect.any(String) });
  });

  test('are found, and so are runs, from a shell that names no metadata server, and no library warns', async () => {
    const bare = { ...env, GCE_METADATA_HOST: undefined, METADATA_SERVER_DETECTION: undefined };
    const [queues, runs] = await Promise.all([
      runCli(['queues', 'list', '--config', config], { env: bare }),
      runCli(['runs', 'show', 'a/b', '--config', config], { env: bare }),
    ]);
    expect(queues).toMatchObject({ stderr: '', status: 0 });
    expect(runs).toMatchObject({
      stderr: 'pageturner: There is no run a/b.\n`pageturner runs list` shows the newest ones.\n',
      status: 1,
    });
  });

  test('one that does not exist is refused in the words of the service, with the next step', async () => {
    expect(await cli('queues', 'describe', 'mial')).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'pageturner: Cloud Tasks refuses: Queue does not exist. If you just created the queue, wait at least a minute ' +
        'for the queue to initialize.\n`pageturner queues list` and `pageturner tasks list QUEUE` show what there is.\n',
    });
  });
});

test('a run is started once a key, seen, and leaves its tasks to be listed, shown, run and deleted by hand', async () => {
  const db = new Firestore({
    projectId: env['GOOGLE_CLOUD_PROJECT'] ?? '',
    host: env['FIRESTORE_EMULATOR_HOST'] ?? '',
    ssl: false,
  });
  await seedStudents(db, { count: 5, program: 'gsoc2026' });
  await json('queues', 'pause', 'mail');
  const call = ['start', 'email-students', '-p', 'program=gsoc2026', '--idempotency-key', 'k'];
  call.push('--key', 'nightly', '--shards', '2', '--repeat', '86400', '--documents-per-second', '1000');
  const [started, again] = await Promise.all([json(...call), json(...call)]);
  const { runId } = started as { runId: string };
  // Either may have been the first.
  expect([started, again].filter((answer) => 'existed' in (answer as object))).toHaveLength(1);
  expect(again).toMatchObject({ runId });
  expect((await untilEnded(db, runId)).get('state')).toBe('completed');
  const { nextRun } = (await json('runs', 'show', runId)) as { nextRun: string };
  const next = (await db.doc(`pageturnerRuns/${nextRun}`).get()).data();
  expect(next).toMatchObject({
    state: 'starting',
    key: 'nightly',
    repeatOf: runId,
    documentsPerSecond: 1000,
  });
  expect(await json('runs', 'stop-repeating', runId)).toMatchObject({ id: nextRun });
  await json('runs', 'cancel', nextRun);
  await db.terminate();

  const [runs, others, shown, tasks] = await Promise.all([
    json('runs', 'list'),
    json('runs', 'list', '--task', 'other'),
    cli('runs', 'show', runId),
    json('tasks', 'list', 'mail'),
  ]);
  expect(runs).toMatchObject([
    { id: nextRun, state: 'canceled' },
    { id: runId, state: 'completed', processed: 2, started: 2 },
  ]);
  expect(others).toEqual([]);
  expect(shown.stdout).toMatch(/^started by +developer@/m);
  expect(shown.stdout).toMatch(/^SHARD +STATE +TURN/m);
  const [first = '', second = ''] = (tasks as { name: string }[]).map(({ name }) => shortId(name));
  expect(tasks).toHaveLength(2);

  const [described, deleted] = await Promise.all([
    cli('tasks', 'describe', 'mail', first),
    cli('tasks', 'delete', 'mail', second),
  ]);
  expect(described.stdout).toContain('"kind":"task"');
  expect(described.stdout).toMatch(/^attempts +0, of which 0 got an answer$/m);
  expect(deleted.stdout).toBe(`Task ${second} is deleted.\n`);
  expect(await json('tasks', 'run', 'mail', first)).toMatchObject({ dispatchCount: 1 });
  expect(await json('queues', 'resume', 'mail')).toMatchObject({ state: 'RUNNING' });
});

test('a dry run is started, walks to its end, and shows what it would have done', async () => {
  const db = new Firestore({
    projectId: env['GOOGLE_CLOUD_PROJECT'] ?? '',
    host: env['FIRESTORE_EMULATOR_HOST'] ?? '',
    ssl: false,
  });
  await seedStudents(db, { count: 5, program: 'dry' });
  const { stdout } = await cli('start', 'email-students', '-p', 'program=dry', '--dry-run');
  const [, runId = ''] = /^Dry run (\S+) of email-students is started\./.exec(stdout) ?? [];
  expect((await untilEnded(db, runId)).get('state')).toBe('completed');
  await db.terminate();
  const [shown, watched] = await Promise.all([cli('runs', 'show', runId), cli('runs', 'watch', runId)]);
  expect(shown.stdout).toMatch(/^state +completed \(dry run\)$/m);
  expect(shown.stdout).toMatch(/^would start +\d × send-mail$/m);
  expect(shown.stdout).toMatch(/^first writes +\w+ \w+/m);
  expect(watched.stdout).toContain('Dry run of email-students is completed');
  expect(await json('runs', 'show', runId)).toMatchObject({ dryRun: true, started: 0 });
});

function shortId(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

describe('start', () => {
  test('of a task that no function starts says so', async () => {
    const { status, stderr } = await cli('start', 'no-such-task');
    expect(status).toBe(1);
    expect(stderr).toContain(
      'answers 404: There is no function "start-no-such-task". There is: start-email-students,',
    );
    expect(stderr).toContain(
      'A task TASK is started by the function start-TASK; check the name of the task.',
    );
  });

  test('with parameters that do not fit names each fault', async () => {
    const { status, stderr } = await cli('start', 'email-students', '-p', 'program=5', '-p', 'template=none');
    expect(status).toBe(1);
    expect(stderr).toContain('answers 400: The parameters do not fit task "email-students": program: ');
    expect(stderr).toContain('; template: ');
    expect(stderr).toContain(
      'Parameters are given with --params JSON or -p key=value; --help lists everything else.',
    );
  });

  test('with options that do not go together says nothing of parameters', async () => {
    const options = ['--at', '2090-01-01', '--delay', '5'];
    const { status, stderr } = await cli('start', 'email-students', '-p', 'program=a', ...options);
    expect(status).toBe(1);
    expect(stderr).toContain('answers 400: Both delay and at are given; give one of them.');
    expect(stderr).toMatch(/\n`pageturner start --help` lists what may be given\.\n$/);
  });
});

test('a body that calls itself JSON and is not is refused with the reason', async () => {
  const response = await fetch(`${env['PAGETURNER_FUNCTIONS_URL']}/start-email-students`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: '{"program":',
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    error: { code: 'invalid-request', message: expect.stringMatching(/^The body cannot be read: .*JSON/) },
  });
});

test('a run that does not exist is named, with the next step', async () => {
  expect(await cli('runs', 'show', 'none')).toMatchObject({
    status: 1,
    stderr: 'pageturner: There is no run none.\n`pageturner runs list` shows the newest ones.\n',
  });
});

test('where nothing runs, it says what is missing and how to start it', async () => {
  const nowhere = { CLOUD_TASKS_EMULATOR_HOST: '127.0.0.1:9', FIRESTORE_EMULATOR_HOST: '127.0.0.1:9' };
  const [queues, runs] = await Promise.all([
    runCli(['queues', 'list'], { env: nowhere, cwd: projectFolder }),
    runCli(['runs', 'list', '--json'], { env: nowhere }),
  ]);
  expect(queues).toEqual({
    status: 1,
    stdout: '',
    stderr:
      'pageturner: No Cloud Tasks emulator answers at 127.0.0.1:9.\n' +
      'Start it with `pageturner dev` or `pageturner emulator`, or address Google Cloud with --cloud.\n',
  });
  expect(JSON.parse(runs.stderr)).toMatchObject({ error: { code: 'not-running' } });
});
