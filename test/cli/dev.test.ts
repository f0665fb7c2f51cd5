import { expect, onTestFinished, test } from 'vitest';
import { startCli, type RunningCli } from '../support/cli.ts';
import { temporaryFolder } from '../support/config-file.ts';
import { otherProject, sourceOf } from '../support/other-project.ts';

function startDev(folder: string, ...args: string[]): RunningCli {
  const cli = startCli(['dev', ...args], { cwd: folder });
  onTestFinished(async () => {
    cli.process.kill('SIGKILL');
    await cli.ended;
  });
  return cli;
}

async function textAt(url: string): Promise<string> {
  const response = await fetch(url);
  return await response.text();
}

test('dev prints every address, starts functions anew when a file changes, and Ctrl-C ends all', async () => {
  const { folder, write } = otherProject(sourceOf('one'));
  const cli = startDev(folder);
  await cli.line(/^The functions answer: 1 in /);
  const [, page = ''] = /(http:\S+)$/.exec(await cli.line(/its console .*\/console\/$/)) ?? [];
  expect(await textAt(page)).toContain('<title>Cloud Tasks emulator</title>');
  const [, url = ''] = /(http:\S+\/hello)$/.exec(await cli.line(/\/hello$/)) ?? [];
  await cli.line(/export CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDTASKS=http:\/\/127\.0\.0\.1:\d+\/$/);
  await cli.line(/export CLOUD_TASKS_EMULATOR_HOST=127\.0\.0\.1:\d+$/);
  await cli.line(/^Ctrl-C ends everything\.$/);
  expect(await textAt(url)).toBe('one');

  write(sourceOf('two'));
  await cli.line(/^source\/index\.js has changed; the functions start anew\.$/);
  await cli.line(/^The functions answer: 1 in /);
  expect(await textAt(url)).toBe('two');

  write('this is no JavaScript');
  await cli.line(/do not load: SyntaxError: .*index\.js:1/);
  write(sourceOf('three'));
  await cli.line(/^The functions answer: 1 in /);
  expect(await textAt(url)).toBe('three');

  cli.process.kill('SIGINT');
  expect(await cli.ended).toMatchObject({ status: 0, stderr: '' });
  expect(cli.family()).toEqual([]);
});

test('Ctrl-C while dev is starting ends what has started, at once', async () => {
  const { folder, write } = otherProject('');
  write("console.log('loading'); await new Promise(() => setInterval(() => {}, 1000));");
  const cli = startDev(folder);
  await cli.line(/loading$/);
  cli.process.kill('SIGINT');
  expect(await cli.ended).toMatchObject({ status: 130, stderr: '' });
  expect(cli.family()).toEqual([]);
});

test('dev starts functions again that have ended by themselves', async () => {
  const { folder, write } = otherProject(sourceOf('one'));
  write(sourceOf('').replace('response.send("")', 'process.exit(1)'));
  const cli = startDev(folder, '--json');
  const ready = JSON.parse(await cli.line(/"event":"ready"/)) as { functions: string[] };
  await expect(fetch(ready.functions[0] ?? '')).rejects.toThrow('fetch failed');
  await cli.line(/"event":"ended"/);
  expect(JSON.parse(await cli.line(/"event":"functions"/))).toEqual({ event: 'functions', names: ['hello'] });
});

test('dev in a folder without functions says what is missing', async () => {
  const cli = startDev(temporaryFolder());
  const { status, stderr } = await cli.ended;
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^pageturner: There is no package\.json in .*\nRun this in the folder of a package\.json whose "main"/,
  );
});
