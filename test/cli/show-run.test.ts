import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { cancelRun, getRun, iterativeTask, pauseRun, resumeRun, throttleRun } from '../../lib/index.ts';
import { startRun } from '../../lib/start-run.ts';
import { projectFolder, runCli } from '../support/cli.ts';
import { configFile } from '../support/config-file.ts';
import { testFirestore } from '../support/firestore.ts';
import { begin, takeLast } from '../support/runs.ts';
import { testPorts } from '../support/test-runtime.ts';

const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  query: (_, db) => db.collection('things'),
  pageSize: 2,
  each(thing, ctx) {
    if (thing.id === 'b') ctx.quarantine(thing, 'not wanted');
    if (thing.id === 'c') throw new Error('poison\nand more');
  },
});

test('runs show and getRun tell the pace of a run, and of each shard what was set aside, failed and when it moved', async () => {
  const project = `test-${randomUUID().slice(0, 18)}`;
  const config = configFile({ project });
  const db = testFirestore(project);
  for (const id of ['a', 'b', 'c', 'd']) await db.doc(`things/${id}`).set({});
  // Each look at this clock is a second after the one before.
  let now = Date.UTC(2030, 0, 1);
  const ports = { ...testPorts(db), clock: { now: () => (now += 1000), after: () => () => {} } };
  await begin(walk, ports);
  await takeLast(walk, ports);
  await expect(takeLast(walk, ports)).rejects.toThrow('poison');

  const run = await getRun('r', ports.store);
  expect(run).toMatchObject({
    total: 4,
    processed: 1,
    quarantined: 1,
    documentsPerSecond: expect.any(Number),
    lastError: { document: 'things/c', at: expect.any(Date) },
    shards: [
      {
        processed: 1,
        quarantined: 1,
        failures: 1,
        pages: 1,
        started: 0,
        lastError: { at: expect.any(Date) },
      },
    ],
  });
  const { documentsPerSecond = 0, secondsLeft, shards, history } = run ?? expect.fail();
  const walkedSeconds = ((shards[0]?.updatedAt.getTime() ?? 0) - (history[0]?.at.getTime() ?? 0)) / 1000;
  expect(documentsPerSecond).toBeCloseTo(2 / walkedSeconds, 2);
  expect(Math.abs((secondsLeft ?? 0) - walkedSeconds)).toBeLessThanOrEqual(1);

  const { status, stdout } = await runCli(['runs', 'show', 'r', '--config', config]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^documents +1 of 4, 1 set aside$/m);
  expect(stdout).toMatch(/^pace +0\.\d+ documents\/s, about \d+ s left$/m);
  expect(stdout).toMatch(/^0 +running +1 +0 +1 +1 +1 +1 +2030-01-01T00:00:\d\d\.000Z +.*b/m);
  expect(stdout).toMatch(/^last error +things\/c: poison and more$/m);
  expect(stdout).toMatch(/^Shard 0 failed last: things\/c: poison and more$/m);
  const listed = await runCli(['runs', 'list', '--config', config]);
  expect(listed.stdout).toMatch(/ CREATED \(UTC\) +NOW, LAST ERROR$/m);
  expect(listed.stdout).toMatch(
    /^r +walk +running +1 of 4, 1 set aside .* {2}2030-01-01 00:00:\d\d {2}things\/c: poison and more$/m,
  );
}, 60_000);

test('runs show names documents that were set aside and why, the result, failed children and the error of a callback', async () => {
  const project = `test-${randomUUID().slice(0, 18)}`;
  const config = configFile({ project });
  const db = testFirestore(project);
  const ids = Array.from({ length: 12 }, (_, place) => `thing-${place}`);
  for (const id of ids) await db.doc(`things/${id}`).set({});
  const picky = iterativeTask({
    name: 'picky',
    queue: 'iterate',
    params: z.object({}),
    query: (_, all) => all.collection('things'),
    each: (thing, ctx) => ctx.quarantine(thing, 'not\nwanted'),
  });
  const ports = testPorts(db);
  await begin(picky, ports);
  await takeLast(picky, ports);
  const show = async (...args: string[]) =>
    (await runCli(['runs', 'show', 'r', ...args, '--config', config])).stdout;
  expect(await show()).toMatch(/\nWhen it has ended, take them again with: [^\n]+ r\n$/);

  while ((await takeLast(picky, ports)) !== 'completed');
  const callbackError = { callback: 'onPause' as const, message: 'no pager', at: 1 };
  await ports.store.changeRun('r', ({ run }) => ({
    run: { ...run, result: JSON.stringify('x'.repeat(300)), failedChildren: 2, callbackError },
  }));
  const shown = await show();
  expect(shown.match(/^ {2}things\/thing-\d+: not wanted \(by its handler\)$/gm)).toHaveLength(10);
  expect(shown).toMatch(/\n\nSet aside, 10 of 12:\n/);
  expect(shown).toMatch(/\nTake them again with: pageturner runs retry r\n$/);
  expect(shown).toMatch(/^result +"x{198}…$/m);
  expect(shown).toMatch(/^failed children +2$/m);
  expect(shown).toMatch(/^callback error +onPause: no pager$/m);
  const { setAside } = JSON.parse(await show('--json')) as { setAside: { documents: object[] } };
  expect(setAside).toMatchObject({ hasMore: false });
  expect(setAside.documents).toHaveLength(12);
  expect(setAside.documents[0]).toMatchObject({ reason: 'not\nwanted', attempts: 0 });
}, 60_000);

test('runs list and runs show of a run that waits for its time say until when; it is created, and has no table of shards', async () => {
  const project = `test-${randomUUID().slice(0, 18)}`;
  const ports = testPorts(testFirestore(project));
  const at = Date.UTC(2090, 0, 1);
  await startRun(walk, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test', at }, ports);
  const config = configFile({ project });
  const { stdout } = await runCli(['runs', 'show', 'r', '--config', config]);
  expect(stdout).toMatch(/^created +20/m);
  expect(stdout).toMatch(/^now +waits until 2090-01-01T00:00:00.000Z$/m);
  expect(stdout).not.toContain('SHARD');
  const listed = await runCli(['runs', 'list', '--config', config]);
  expect(listed.stdout).toMatch(/^r +walk +starting .* waits until 2090-01-01T00:00:00.000Z$/m);
}, 60_000);

test('runs show tells the last five things that happened to a run, with who did them and why, and not of a single one', async () => {
  const project = `test-${randomUUID().slice(0, 18)}`;
  const config = configFile({ project });
  let now = Date.UTC(2030, 0, 1);
  const ports = { ...testPorts(testFirestore(project)), clock: { now: () => now, after: () => () => {} } };
  const show = async () => (await runCli(['runs', 'show', 'r', '--config', config])).stdout;
  await begin(walk, ports);
  expect(await show()).not.toContain('TIME (UTC)');

  now += 5_250;
  await pauseRun('r', { by: 'ann', reason: 'the mails\nare wrong', force: true }, ports);
  expect(await show()).toMatch(
    new RegExp(
      [
        '^TIME \\(UTC\\) +EVENT +BY +REASON',
        '2030-01-01 00:00:00  prepared +worker',
        '2030-01-01 00:00:05  pause +ann +the mails are wrong',
        '2030-01-01 00:00:05  stopped +ann',
        '',
        'SHARD ',
      ].join('\n'),
      'm',
    ),
  );

  await throttleRun('r', 50, { by: 'ben' }, ports);
  await throttleRun('r', null, { by: 'ben', reason: 'it is night' }, ports);
  await resumeRun('r', { by: 'ann' }, ports);
  await cancelRun('r', { by: 'ann', force: true }, ports);
  const shown = await show();
  expect(shown).toMatch(
    /^2030.* throttle to 50\/s +ben\n2030.* throttle to none +ben +it is night\n2030.* resume +ann$/m,
  );
  expect(shown).toMatch(/ stopped +ann\nand 3 before that: --json has them$/m);
  expect(shown.match(/^2030-01-01 /gm)).toHaveLength(5);
}, 60_000);

test.skipIf(spawnSync('script', ['--version']).status !== 0)(
  'runs list has no line that is longer than the terminal is wide',
  async () => {
    const project = `test-${randomUUID().slice(0, 18)}`;
    const ports = testPorts(testFirestore(project));
    await startRun(walk, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' }, ports);
    const error = { message: 'no such thing '.repeat(50), document: 'things/c', at: 1 };
    await ports.store.changeRun('r', ({ run }) => ({ run: { ...run, error } }));
    const { NO_COLOR: _, ...env } = process.env;
    const list = `bin/pageturner.js runs list --config '${configFile({ project })}'`;
    const { stdout } = spawnSync(
      'script',
      ['-qec', `stty cols 120; exec '${process.execPath}' ${list}`, '/dev/null'],
      {
        cwd: projectFolder,
        env: { ...env, TERM: 'xterm', SHELL: '/bin/sh' },
        encoding: 'utf8',
      },
    );
    const lines = stripVTControlCharacters(stdout).split(/\r?\n/);
    expect(lines[1]).toMatch(/^r +walk .* things\/c: no such thing .*…$/);
    expect(lines[1]).toHaveLength(120);
  },
  60_000,
);
