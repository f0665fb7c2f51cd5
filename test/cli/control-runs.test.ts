import { randomUUID } from 'node:crypto';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../emulator/index.ts';
import { transition } from '../../lib/core/transition.ts';
import { runCli, startCli, type CliOptions } from '../support/cli.ts';
import { configFile } from '../support/config-file.ts';
import { testFirestore } from '../support/firestore.ts';
import { begin, takeLast } from '../support/runs.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';
import { walk } from '../support/walk.ts';

let project: string;
let config: string;
let ports: TestPorts;

/** A run `r` that has taken no turn. */
beforeEach(async () => {
  project = `test-${randomUUID().slice(0, 18)}`;
  config = configFile({ project });
  ports = testPorts(testFirestore(project));
  await begin(walk, ports);
});

async function withTasksEmulator(): Promise<CliOptions> {
  const emulator = await startEmulator({
    port: 0,
    project,
    location: 'us-central1',
    queues: [{ name: 'iterate' }],
  });
  onTestFinished(() => emulator.close());
  const env = {
    CLOUD_TASKS_EMULATOR_HOST: `${emulator.host}:${emulator.port}`,
    PAGETURNER_FUNCTIONS_URL: 'http://127.0.0.1:9',
  };
  return { env };
}

test('runs pause, resume and cancel need nothing but the id of a run on this machine', async () => {
  const options = await withTasksEmulator();
  const run = (...args: string[]) => runCli(['runs', ...args, '--config', config], options);
  const paused = await run('pause', 'r');
  expect(paused).toMatchObject({ status: 0, stderr: '' });
  expect(paused.stdout).toMatch(
    /^Run r of walk is pausing\.\nIt waits for what may be under way, at most until 20\S+Z; --force does not\.\n$/,
  );
  expect(await run('pause', 'r', '--force')).toMatchObject({ stdout: 'Run r of walk is paused.\n' });
  expect(JSON.parse((await run('resume', 'r', '--json')).stdout)).toMatchObject({ state: 'running' });
  expect(await run('cancel', 'r', '--force', '--reason', 'a mistake')).toMatchObject({
    stdout: 'Run r of walk is canceled.\n',
  });
  const refused = await run('resume', 'r');
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toMatch(
    /^pageturner: Run r is canceled; .*\nSee it with: pageturner runs show r\n$/,
  );
  const unknown = await run('pause', 'none', '--json');
  expect(unknown.status).toBe(1);
  expect(JSON.parse(unknown.stderr)).toMatchObject({ error: { message: 'There is no run none.' } });
});

test('runs retry takes up a failed run, and refuses one that has not failed', async () => {
  const options = await withTasksEmulator();
  const retry = ['runs', 'retry', 'r', '--reason', 'it is back', '--config', config];
  const fail = { at: Date.now(), by: 'test' };
  await ports.store.changeRun('r', ({ run }) => ({ run: transition(run, 'fail', fail) }));
  expect(JSON.parse((await runCli([...retry, '--json'], options)).stdout)).toMatchObject({
    state: 'running',
    history: [{ event: 'prepared' }, { event: 'fail' }, { event: 'retry', reason: 'it is back' }],
  });
  await runCli(['runs', 'cancel', 'r', '--force', '--config', config], options);
  const refused = await runCli(retry, options);
  expect(refused).toMatchObject({ status: 1, stdout: '' });
  expect(refused.stderr).toContain('Run r is canceled; retry takes a run that is');
});

test('runs heal restarts a run whose task is nowhere, and says which', async () => {
  const options = await withTasksEmulator();
  const heal = ['runs', 'heal', '--quiet-seconds', '0', '--config', config];
  expect(await runCli(heal, options)).toEqual({
    status: 0,
    stdout: '1 run was looked at, and 1 restarted.\n  r\n',
    stderr: '',
  });
  expect((await runCli(['runs', 'heal', '--config', config], options)).stdout).toMatch(
    /^1 run was looked at, and 0 restarted: still for less than 600 s \(see --quiet-seconds\), or /,
  );
});

test('against Google Cloud what is missing is named, with the option that gives it', async () => {
  const args = ['runs', 'pause', 'r', '--cloud', '--project', 'p', '--location', 'l'];
  const { status, stderr } = await runCli(args, { env: { PAGETURNER_FUNCTIONS_URL: undefined } });
  expect(status).toBe(2);
  expect(stderr).toMatch(/PAGETURNER_FUNCTIONS_URL[^\n]*\nGive --url, or set PAGETURNER_FUNCTIONS_URL/);
});

test('runs watch follows a run to its end, and its status tells how it ended', async () => {
  const watching = startCli(['runs', 'watch', 'r', '--interval', '100', '--config', config]);
  await watching.line(/^walk is running · 0 of 0 documents · 0 pages · 0\/s$/);
  await ports.store.changeRun('r', ({ run }) => ({
    run: transition(run, 'fail', { at: Date.now(), by: 'test' }),
  }));
  await watching.line(/^walk is failed/);
  await watching.line(/^Run r is failed after \d+\.\d s, with 0 documents\.$/);
  expect(await watching.ended).toMatchObject({ status: 1, stderr: '' });
});

test('runs watch of a completed run ends at once with 0, also where children failed, with --json a line a change', async () => {
  while ((await takeLast(walk, ports)) !== 'completed');
  const { status, stdout } = await runCli(['runs', 'watch', 'r', '--json', '--config', config]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ id: 'r', state: 'completed', shards: [{ state: 'done' }] });
  await ports.store.changeRun('r', ({ run }) => ({ run: { ...run, failedChildren: 3 } }));
  expect(await runCli(['runs', 'watch', 'r', '--config', config])).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(
      /, with 0 documents; 3 children failed\.\nSee them with: pageturner runs show r\n$/,
    ),
  });
});

test('runs watch ends at Ctrl-C with 130, and refuses a run that does not exist', async () => {
  const watching = startCli(['runs', 'watch', 'r', '--config', config]);
  await watching.line(/^walk is running/);
  watching.process.kill('SIGINT');
  expect(await watching.ended).toMatchObject({ status: 130, stderr: '' });
  const unknown = await runCli(['runs', 'watch', 'none', '--config', config]);
  expect(unknown).toMatchObject({ status: 1, stdout: '' });
  expect(unknown.stderr).toContain('There is no run none.\n`pageturner runs list` shows the newest ones.');
});

test('a run that a worker of another version has paused says why, and its resume says which version goes on', async () => {
  const options = await withTasksEmulator();
  const run = (...args: string[]) => runCli(['runs', ...args, '--config', config], options);
  const next = { ...walk, version: 2 };
  expect(await takeLast(next, ports)).toBe('parked');
  const shown = (await run('show', 'r')).stdout;
  expect(shown).toMatch(
    /why +pause by worker: The worker has version 2 of "walk", and the run has no version/,
  );
  expect((await run('resume', 'r')).stdout).toBe(
    'Run r of walk is running.\nWorkers of version 2 go on with it now.\n',
  );
  expect((await run('show', 'r')).stdout).toMatch(/version +2\n/);
});

test('runs stop-repeating says that no run follows', async () => {
  const options = await withTasksEmulator();
  await ports.store.changeRun('r', ({ run }) => ({ run: { ...run, repeat: { after: 60, shards: 1 } } }));
  const run = (...args: string[]) => runCli(['runs', ...args, '--config', config], options);
  expect((await run('show', 'r')).stdout).toMatch(/repeats +60 s after it has completed\n/);
  expect(await run('stop-repeating', 'r')).toMatchObject({
    status: 0,
    stdout: 'Run r of walk is running.\nNo run follows it.\n',
  });
});

test('runs throttle has a run go slower, says so with who did it, and lifts that', async () => {
  const options = await withTasksEmulator();
  const run = (...args: string[]) => runCli(['runs', ...args, '--config', config], options);
  expect(await run('throttle', 'r', '20', '--reason', 'production suffers')).toEqual({
    status: 0,
    stdout:
      'Run r of walk is running.\nIt takes 20 documents/s at most, from the next page of each shard on.\n',
    stderr: '',
  });
  const shown = (await run('show', 'r')).stdout;
  expect(shown).toMatch(/^throttled +to 20 documents\/s, by .+@.+ at 20.+Z: production suffers$/m);
  expect(JSON.parse((await run('throttle', 'r', 'none', '--json')).stdout)).not.toHaveProperty('throttledTo');
  const wrong = await run('throttle', 'r', '0');
  expect(wrong).toMatchObject({ status: 2, stdout: '' });
  expect(wrong.stderr).toMatch(
    /^pageturner: argument <documents-per-second> '0' is invalid. Write documents a second, from 0.1 to 1000000, or none/,
  );
  await run('cancel', 'r', '--force');
  expect((await run('throttle', 'r', '5')).stderr).toMatch(
    /^pageturner: Run r is canceled; throttle takes a run/,
  );
});

test('runs show says until when a run and its shards wait', async () => {
  const options = await withTasksEmulator();
  const until = Date.UTC(2099, 0, 1);
  await ports.store.changeRun('r', ({ shards }) => ({
    shards: shards.map((shard) => ({ ...shard, notBefore: until })),
  }));
  const { stdout } = await runCli(['runs', 'show', 'r', '--config', config], options);
  expect(stdout).toMatch(/^now +waits until 2099-01-01T00:00:00.000Z$/m);
  expect(stdout).toMatch(/^0 +waits until 2099-01-01T00:00:00.000Z /m);
});

test.each([
  ['show', ''],
  ['pause', '..'],
])('runs %s of %j, which can be no id, says that there is no such run', async (name, id) => {
  const options = await withTasksEmulator();
  expect(await runCli(['runs', name, id, '--config', config], options)).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(
      /^pageturner: There is no run .*\.\n`pageturner runs list` shows the newest ones\.\n$/,
    ),
  });
});

test('a command for a run that has been followed is refused, and sends people to the run that the refusal names', async () => {
  const options = await withTasksEmulator();
  await ports.store.changeRun('r', ({ run }) => ({
    run: { ...run, state: 'completed', endedAt: 1, nextRun: 'r-2' },
  }));
  const run = (...args: string[]) => runCli(['runs', ...args, '--config', config], options);
  for (const refused of [await run('cancel', 'r'), await run('throttle', 'r', '5')]) {
    expect(refused).toEqual({
      status: 1,
      stdout: '',
      stderr:
        'pageturner: Run r is completed, and run r-2 has followed it.\nSee it with: pageturner runs show r-2\n',
    });
  }
  expect((await run('retry', 'r')).stderr).toMatch(
    /is completed and has set no document aside.*\nSee it with: pageturner runs show r\n$/,
  );
});
