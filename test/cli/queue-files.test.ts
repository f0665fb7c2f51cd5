import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCli, startCli } from '../support/cli.ts';
import { configFile, temporaryFolder } from '../support/config-file.ts';

test('queues of gcloud are begun with, exported, imported, and followed as their file changes', async () => {
  const folder = temporaryFolder();
  const [described, exported] = ['described.yaml', 'exported.yaml'].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  writeFileSync(described, 'name: projects/p/locations/l/queues/mail\nrateLimits:\n  maxBurstSize: 30\n');
  const config = configFile({}, folder);
  const cli = startCli(['emulator', '--json', '--port', '0', '--config', config, '--queues', described]);
  const { url } = JSON.parse(await cli.line(/"ready"/)) as { url: string };
  const env = { CLOUD_TASKS_EMULATOR_HOST: new URL(url).host };

  expect(await runCli(['queues', 'export', exported, '--config', config], { env })).toMatchObject({
    status: 0,
  });
  const imported = await runCli(['queues', 'import', exported, '--json']);
  expect(JSON.parse(imported.stdout)).toMatchObject({
    queues: [{ name: 'mail', state: 'RUNNING', rateLimits: { maxBurstSize: 30 } }],
  });
  expect(await runCli(['tasks', 'export', 'mail', '--config', config], { env })).toMatchObject({
    status: 0,
    stdout: '',
  });

  writeFileSync(described, readFileSync(exported, 'utf8').replace('maxBurstSize: 30', 'maxBurstSize: 40'));
  expect(JSON.parse(await cli.line(/"reloaded"/))).toMatchObject({ updated: ['mail'], atNextStart: [] });
  writeFileSync(described, 'queues: 5');
  expect(JSON.parse(await cli.line(/"refused"/))).toMatchObject({
    message: expect.stringContaining('queues: 5 is not a list') as string,
  });
  cli.process.kill('SIGINT');
  await cli.ended;
});
