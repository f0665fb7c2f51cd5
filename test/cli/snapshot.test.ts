import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../emulator/index.ts';
import type { Snapshot } from '../../emulator/index.ts';
import { runCli, startCli, type Ended } from '../support/cli.ts';
import { temporaryFolder } from '../support/config-file.ts';

async function withEmulator(): Promise<{
  snapshot: () => Snapshot;
  run: (...args: string[]) => Promise<Ended>;
}> {
  const emulator = await startEmulator({ clock: 'virtual', queues: [{ name: 'mail' }] });
  onTestFinished(() => emulator.close());
  const env = { CLOUD_TASKS_EMULATOR_HOST: `${emulator.host}:${emulator.port}` };
  return { snapshot: () => emulator.snapshot(), run: (...args) => runCli(args, { env }) };
}

test('a snapshot is saved for its owner alone, put back, and begun with', async () => {
  const { snapshot, run } = await withEmulator();
  const file = join(temporaryFolder(), 'before.json');
  const before = snapshot();
  expect(await run('snapshot', 'save', file)).toMatchObject({
    status: 0,
    stdout: `${file} holds 1 queue and 0 tasks.\n`,
  });
  expect(statSync(file).mode & 0o077).toBe(0);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(before);
  await run('queues', 'pause', 'mail');
  expect(snapshot()).not.toEqual(before);
  expect(await run('snapshot', 'restore', file, '--json')).toMatchObject({
    status: 0,
    stdout: `${JSON.stringify({ file, queues: 1, tasks: 0 }, null, 2)}\n`,
  });
  expect(snapshot()).toEqual(before);

  const cli = startCli(['emulator', '--json', '--port', '0', '--restore', file]);
  const { url } = JSON.parse(await cli.line(/"ready"/)) as { url: string };
  expect(await (await fetch(`${url}/emulator/v1/snapshot`)).json()).toEqual(before);
  cli.process.kill('SIGINT');
  await cli.ended;
});

test('what is no snapshot is refused with the reason, by a running emulator and at the start', async () => {
  const { run } = await withEmulator();
  const folder = temporaryFolder();
  const other = join(folder, 'other.json');
  writeFileSync(other, '{"format":"pageturner-emulator-snapshot","version":9}');
  const cut = join(folder, 'cut.json');
  writeFileSync(cut, '{"format":\n');
  expect(await run('snapshot', 'restore', other)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(
      'The snapshot is of version 9, and this emulator reads version 1.',
    ) as string,
  });
  expect(await run('emulator', '--port', '0', '--restore', other)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('The snapshot is of version 9') as string,
  });
  expect(await run('emulator', '--port', '0', '--restore', cut)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(`${cut} is no snapshot: line 2, column 1`) as string,
  });
  expect(await run('snapshot', 'restore', join(folder, 'none.json'))).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('none.json cannot be read: there is no such file.') as string,
  });
});
