import { expect, test } from 'vitest';
import { runCli, startCli } from '../support/cli.ts';

test('the demo mails each student of the program once, says what it counted, and leaves nothing behind', async () => {
  const cli = startCli(['demo', '--students', '60']);
  const { status, stdout, stderr } = await cli.ended;
  expect({ status, stderr }).toMatchObject({
    status: 0,
    stderr: expect.stringMatching(/^mails: \d+ of 24\n/),
  });
  const counts = Object.fromEntries(
    [...stdout.matchAll(/^([a-z ]+?) {2,}(\d+)$/gm)].map(([, name, count]) => [name, Number(count)]),
  );
  expect(counts).toEqual({
    'documents visited': 24,
    pages: 1,
    'tasks dispatched': 28,
    'mails started': 24,
    'mails received': 24,
    distinct: 24,
  });
  expect(stdout).toMatch(/\nEach of the 24 students got exactly one mail\.\n$/);
  expect(cli.family()).toEqual([]);
});

test('the demo tells programs in JSON', async () => {
  const { status, stdout, stderr } = await runCli(['demo', '--students', '10', '--json']);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ state: 'completed', members: 4, distinctMails: 4, missing: [] });
});

test('the demo that is interrupted ends all that it started', async () => {
  const cli = startCli(['demo', '--students', '20000']);
  await cli.line(/Cloud Tasks emulator/);
  cli.process.kill('SIGINT');
  expect(await cli.ended).toMatchObject({ status: 130, stderr: '' });
  expect(cli.family()).toEqual([]);
});
