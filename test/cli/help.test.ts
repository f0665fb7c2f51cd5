import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { newProgram } from '../../cli/program.ts';
import { projectFolder, runCli } from '../support/cli.ts';

interface Called {
  /** Such as `queues list`. */
  readonly path: string;
  readonly command: Command;
}

function commandsBelow(command: Command, path: string): Called[] {
  return command.commands.flatMap((child) => {
    const childPath = `${path} ${child.name()}`.trim();
    return [{ path: childPath, command: child }, ...commandsBelow(child, childPath)];
  });
}

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  return help;
}

const program = await newProgram();
const all = commandsBelow(program, '');
const leaves = all.filter(({ command }) => command.commands.length === 0);

describe('help', () => {
  test('the commands are those that the documentation names', () => {
    expect(leaves.map(({ path }) => path)).toEqual([
      'demo',
      'dev',
      'exec',
      'emulator',
      'start',
      'runs list',
      'runs show',
      'runs watch',
      'runs pause',
      'runs resume',
      'runs cancel',
      'runs retry',
      'runs stop-repeating',
      'runs throttle',
      'runs heal',
      ...['list', 'describe', 'pause', 'resume', 'purge', 'export', 'import'].map((verb) => `queues ${verb}`),
      ...['save', 'restore'].map((verb) => `snapshot ${verb}`),
      'record',
      ...['list', 'describe', 'run', 'delete', 'export'].map((verb) => `tasks ${verb}`),
    ]);
  });

  test.each(all)('$path shows an example of itself', ({ path, command }) => {
    const [, example = ''] = /\nExample:\n {2}\$ pageturner (.+)\n/.exec(helpOf(command)) ?? [];
    expect(example.startsWith(path)).toBe(true);
  });

  test.each(leaves)('$path takes --json', ({ command }) => {
    expect(command.options.map(({ long }) => long)).toContain('--json');
  });

  test('is printed on standard output with status 0, by the program and by each command', async () => {
    const [whole, one] = await Promise.all([runCli(['--help']), runCli(['queues', 'pause', '--help'])]);
    expect(whole).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('$ pageturner demo'),
    });
    expect(one).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringContaining('queues pause mail'),
    });
  });

  test('npx pageturner runs the source in a checkout', async () => {
    const { stdout, stderr } = await promisify(execFile)(
      'npx',
      ['--no', 'pageturner', 'tasks', 'run', '--help'],
      {
        cwd: projectFolder,
      },
    );
    expect(stderr).toBe('');
    expect(stdout).toContain('$ pageturner tasks run mail');
  });
});

describe('a wrong call ends with status 2 and says what is wrong', () => {
  test.each([
    ['an unknown command', ['quues'], "unknown command 'quues' (Did you mean queues?)"],
    ['an unknown command of a group', ['queues', 'lst'], "unknown command 'lst' (Did you mean list?)"],
    ['an unknown option', ['queues', 'list', '--jsn'], "unknown option '--jsn' (Did you mean --json?)"],
    ['a missing argument', ['queues', 'pause'], "missing required argument 'queue'"],
    [
      'a number that is none',
      ['demo', '--students', '-5'],
      "option '--students <number>' argument '-5' is invalid. Write a whole number from 1 to 1000000.",
    ],
    [
      'parameters that are not JSON',
      ['start', 'email-students', '--params', 'gsoc'],
      "option '--params <json>' argument 'gsoc' is invalid. It is not JSON:",
    ],
    [
      'a parameter without a value',
      ['start', 'email-students', '-p', 'gsoc'],
      "option '-p <key=value>' argument 'gsoc' is invalid. Write it as key=value, such as program=gsoc2026.",
    ],
    [
      'a parameter that is given twice',
      ['start', 'email-students', '-p', 'program=a', '-p', 'program=b'],
      "option '-p <key=value>' argument 'program=b' is invalid. program is given twice.",
    ],
    [
      'an idempotency key that no header takes',
      ['start', 'email-students', '--idempotency-key', 'ключ'],
      "option '--idempotency-key <key>' argument 'ключ' is invalid. Write 1 to 500 letters, digits and signs of ASCII.",
    ],
    [
      'a name that no task can have',
      ['start', '../x'],
      "argument <task> '../x' is invalid. The name of a task has lower-case letters, digits and hyphens, at most 63, a letter first.",
    ],
  ])('%s', async (_, args, message) => {
    const { status, stdout, stderr } = await runCli(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(`pageturner: ${message}`);
    expect(stderr).toMatch(/\nAdd --help to see how it is called\.\n$/);
  });

  test('as JSON, too', async () => {
    const { status, stderr } = await runCli(['queues', 'pause', '--json']);
    expect(status).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      error: {
        code: 'usage',
        message: "missing required argument 'queue'",
        nextStep: 'Add --help to see how it is called.',
      },
    });
  });

  test('a command that only holds others shows its help', async () => {
    const { status, stderr } = await runCli(['queues']);
    expect(status).toBe(2);
    expect(stderr).toContain('Usage: pageturner queues');
  });
});

test('the version is that of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
    version: string;
  };
  expect(await runCli(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});
