import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Duplex, Readable } from 'node:stream';
import { modulePath } from './module-path.ts';

export interface GuardSettings {
  /** It reads from a terminal, and so has to stay in the terminal's group of processes. */
  readonly isForeground: boolean;
  readonly hasReport: boolean;
  readonly graceMs: number;
}

export interface GuardedCommand {
  readonly command: string;
  readonly args?: readonly string[];
  /** The command's whole environment; by default this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** `pipe` (default) gives its output as streams; `inherit` shares this process's own input and output. */
  readonly output?: 'pipe' | 'inherit';
  /** Gives the command a pipe at its descriptor 3, each line of which is handed to this listener. */
  readonly onReport?: (line: string) => void;
  /** Milliseconds between SIGTERM and SIGKILL at the end; 5,000 by default. */
  readonly graceMs?: number;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A command that cannot outlive this process. */
export interface GuardedProcess extends AsyncDisposable {
  readonly pid: number;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  /** Settles when the command has ended, by itself or by `close()`. Never rejects. */
  readonly exited: Promise<ExitStatus>;
  /** Ends the command and all that it started: SIGTERM, then SIGKILL after the grace. */
  close(): Promise<void>;
}

type Word =
  | { readonly started: number }
  | { readonly failed: { readonly code: string; readonly message: string } }
  | { readonly exited: ExitStatus };

/**
 * Starts a command under a guard: a small process that holds a pipe to this one and ends the command, with all that it
 * started, as soon as the pipe closes. So nothing is left behind even when this process is killed with SIGKILL.
 *
 * @throws the system's error (`code` is `ENOENT` where the command does not exist)
 */
export async function startGuarded(options: GuardedCommand): Promise<GuardedProcess> {
  const { command, args = [], output = 'pipe', onReport, graceMs = 5_000 } = options;
  const isInherited = output === 'inherit';
  const isForeground = isInherited && process.stdin.isTTY;
  const settings: GuardSettings = { isForeground, hasReport: onReport !== undefined, graceMs };
  const stdio: StdioOptions = isInherited
    ? ['inherit', 'inherit', 'inherit', 'pipe']
    : ['ignore', 'pipe', 'pipe', 'pipe'];
  if (onReport) stdio.push('pipe');
  const guard = spawn(
    process.execPath,
    [modulePath(import.meta.url, './guard-process'), JSON.stringify(settings), command, ...args],
    {
      stdio,
      detached: !isForeground,
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    },
  );
  if (onReport) createInterface({ input: guard.stdio[4] as Readable }).on('line', onReport);
  const { pid, exited } = await converse(guard, isForeground);
  const close = async (): Promise<void> => {
    (guard.stdio[3] as Duplex).end();
    await exited;
  };
  return {
    pid,
    stdout: guard.stdout,
    stderr: guard.stderr,
    exited,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Follows the guard's words until the command has started; `exited` follows them to the end. */
function converse(
  guard: ChildProcess,
  isForeground: boolean,
): Promise<{ pid: number; exited: Promise<ExitStatus> }> {
  const lifeline = guard.stdio[3] as Duplex;
  // The guard's death closes the pipe; there is nothing more to learn from the error.
  lifeline.on('error', () => {});
  const start = Promise.withResolvers<{ pid: number; exited: Promise<ExitStatus> }>();
  let pid: number | undefined;
  let status: ExitStatus | undefined;
  createInterface({ input: lifeline }).on('line', (line) => {
    const word = JSON.parse(line) as Word;
    if ('started' in word) {
      pid = word.started;
      start.resolve({ pid, exited });
    } else if ('failed' in word) {
      start.reject(Object.assign(new Error(word.failed.message), { code: word.failed.code }));
    } else {
      status = word.exited;
    }
  });
  guard.on('error', start.reject);
  const silence = new Promise((resolve) => lifeline.on('close', resolve));
  const end = new Promise<ExitStatus>((resolve) =>
    guard.on('exit', (code, signal) => {
      lifeline.end();
      resolve({ code, signal });
    }),
  );
  const exited = Promise.all([end, silence]).then(([ofGuard]) => {
    start.reject(new Error('The guard ended before its command started.'));
    // A guard that was itself killed could not see to its command.
    if (!status && pid !== undefined) killAll(isForeground ? pid : -pid);
    return status ?? ofGuard;
  });
  return start.promise;
}

function killAll(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}
