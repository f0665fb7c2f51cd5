import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { isAlive, untilGone } from './processes.ts';

const main = fileURLToPath(new URL('../../bin/pageturner.js', import.meta.url));

/** The folder of this project, where the functions of the reference application are. */
export const projectFolder: string = fileURLToPath(new URL('../..', import.meta.url));

/** All that a process starts inherits this variable, so that it can be found wherever it has got to. */
const markName = 'PAGETURNER_TEST_MARK';

export interface CliOptions {
  readonly cwd?: string;
  /** Changes to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Ended {
  /** The exit status, or the signal that ended it. */
  readonly status: number | NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `pageturner` that runs. */
export interface RunningCli {
  readonly process: ChildProcess;
  /** What it said and how it ended. */
  readonly ended: Promise<Ended>;
  /** The next line of its standard output that fits; a line is given once only. */
  line(pattern: RegExp): Promise<string>;
  /** The processes that it has started, directly or not, and itself. */
  family(): number[];
}

/** Starts `pageturner ARGS` as a process of its own. */
export function startCli(
  args: readonly string[],
  { cwd = projectFolder, env = {} }: CliOptions = {},
): RunningCli {
  const mark = randomUUID();
  const child = spawn(process.execPath, [main, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, [markName]: mark, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (chunk) => (complaints += String(chunk)));
  const lines = readLines(child.stdout, () => complaints);
  const said = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return {
    process: child,
    ended: said.then(([stdout, stderr, [code, signal]]) => ({
      status: (signal as NodeJS.Signals | null) ?? (code as number),
      stdout,
      stderr,
    })),
    line: lines,
    family: () => processesWith(`${markName}=${mark}`),
  };
}

/** Runs `pageturner ARGS` to its end. */
export async function runCli(args: readonly string[], options?: CliOptions): Promise<Ended> {
  return await startCli(args, options).ended;
}

/** Waits until none of these processes is left; for those of a process that was killed, which has no way to tell. */
export async function untilAllGone(pids: readonly number[]): Promise<void> {
  await Promise.all(pids.map((pid) => untilGone(pid)));
}

/** Hands out the lines that fit a pattern, those that have come before included. */
function readLines(stream: Readable, complaints: () => string): RunningCli['line'] {
  const unread: string[] = [];
  const waiting: { pattern: RegExp; resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  let isOver = false;
  createInterface({ input: stream })
    .on('line', (line) => {
      const index = waiting.findIndex(({ pattern }) => pattern.test(line));
      if (index === -1) unread.push(line);
      else waiting.splice(index, 1)[0]?.resolve(line);
    })
    .on('close', () => {
      isOver = true;
      for (const { pattern, reject } of waiting) reject(missing(pattern, unread, complaints()));
    });
  return async (pattern) => {
    const index = unread.findIndex((line) => pattern.test(line));
    if (index !== -1) return unread.splice(index, 1)[0] ?? '';
    if (isOver) throw missing(pattern, unread, complaints());
    return await new Promise((resolve, reject) => waiting.push({ pattern, resolve, reject }));
  };
}

function missing(pattern: RegExp, unread: readonly string[], complaints: string): Error {
  return new Error(`There came no line like ${pattern}. There came:\n${unread.join('\n')}\n${complaints}`);
}

/** The living processes whose environment holds a variable, by Linux's /proc. */
function processesWith(variable: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(variable))
    .map(Number)
    .filter(isAlive);
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return []; // It has ended meanwhile, or is another user's.
  }
}
