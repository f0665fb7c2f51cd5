import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startGuarded } from '../../../cli/local/guard.ts';
import { isAlive, untilGone } from '../../support/processes.ts';

const node = process.execPath;
/** A command that starts another, tells both ids, heeds no SIGTERM, and never ends by itself. */
const stubborn = `
  const { spawn } = require('node:child_process');
  process.on('SIGTERM', () => {});
  const script = "process.on('SIGTERM', () => {}); console.log(process.pid); setInterval(() => {}, 1000)";
  const grandchild = spawn(process.execPath, ['-e', script]);
  grandchild.stdout.on('data', (pid) => console.log(JSON.stringify([process.pid, Number(pid)])));
  setInterval(() => {}, 1000);
`;

async function firstLine(stream: Readable | null): Promise<string> {
  if (!stream) throw new Error('There is no output to read.');
  const [line] = (await once(createInterface({ input: stream }), 'line')) as [string];
  return line;
}

describe('startGuarded', () => {
  it('gives the output and the status of the command', async () => {
    const guarded = await startGuarded({
      command: node,
      args: ['-e', 'console.log("hello"); process.exitCode = 3'],
    });
    expect(await text(guarded.stdout as Readable)).toBe('hello\n');
    expect(await guarded.exited).toEqual({ code: 3, signal: null });
    await guarded.close();
  });

  it('tells a signal that ended the command', async () => {
    const guarded = await startGuarded({
      command: node,
      args: ['-e', 'process.kill(process.pid, "SIGKILL")'],
    });
    expect(await guarded.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('rejects with ENOENT where the command does not exist', async () => {
    await expect(startGuarded({ command: 'no-such-command-anywhere' })).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  it('hands on what the command reports at its descriptor 3', async () => {
    const reported = Promise.withResolvers<string>();
    await using guarded = await startGuarded({
      command: node,
      args: ['-e', 'require("node:fs").writeSync(3, "ready\\n")'],
      onReport: reported.resolve,
    });
    expect(await reported.promise).toBe('ready');
    expect((await guarded.exited).code).toBe(0);
  });

  it('ends the command and what it started, also where they heed no SIGTERM, and may be closed twice', async () => {
    const guarded = await startGuarded({ command: node, args: ['-e', stubborn], graceMs: 100 });
    const pids = JSON.parse(await firstLine(guarded.stdout)) as number[];
    expect(pids.map(isAlive)).toEqual([true, true]);
    await Promise.all([guarded.close(), guarded.close()]);
    await Promise.all(pids.map((pid) => untilGone(pid)));
    expect(await guarded.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('ends what the command leaves behind when it ends by itself', async () => {
    const leaver =
      stubborn.replace('setInterval(() => {}, 1000);\n', '') +
      'grandchild.stdout.on("data", () => process.exit(0));';
    const guarded = await startGuarded({ command: node, args: ['-e', leaver] });
    const [, grandchild = 0] = JSON.parse(await firstLine(guarded.stdout)) as number[];
    expect((await guarded.exited).code).toBe(0);
    await untilGone(grandchild);
  });

  it('ends the command when the process that started it is killed with SIGKILL', async () => {
    const guardModule = fileURLToPath(new URL('../../../cli/local/guard.ts', import.meta.url));
    const owner = `
      import { startGuarded } from ${JSON.stringify(guardModule)};
      const options = { command: process.execPath, args: ['-e', ${JSON.stringify(stubborn)}], graceMs: 100 };
      (await startGuarded(options)).stdout.pipe(process.stdout);
    `;
    const parent = spawn(node, ['--input-type=module', '-e', owner], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pids = JSON.parse(await firstLine(parent.stdout)) as number[];
    expect(pids.map(isAlive)).toEqual([true, true]);
    parent.kill('SIGKILL');
    await Promise.all(pids.map((pid) => untilGone(pid)));
  });

  it('ends the command when its guard is killed with SIGKILL', async () => {
    const script = 'console.log(process.ppid + " " + process.pid); setInterval(() => {}, 1000)';
    const guarded = await startGuarded({ command: node, args: ['-e', script] });
    const [guard = 0, command = 0] = (await firstLine(guarded.stdout)).split(' ').map(Number);
    process.kill(guard, 'SIGKILL');
    expect(await guarded.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await untilGone(command);
  });
});
