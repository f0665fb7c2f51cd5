import { constants } from 'node:os';
import type { Command } from 'commander';
import { loadConfig } from '../../config/load.ts';
import { newCommand, type CommonOptions } from '../command.ts';
import { aborted, interruptible } from '../interrupt.ts';
import { functionsEntry } from '../local/functions-entry.ts';
import { endedText, failedText, type FunctionsEvent } from '../local/functions.ts';
import { startGuarded, type ExitStatus, type GuardedProcess } from '../local/guard.ts';
import { startLocalStack, type LocalStack } from '../local/stack.ts';

/** As shells have it: the command was not found. */
const notFoundStatus = 127;

export function execCommand(): Command {
  return newCommand(
    'exec',
    'run a command with everything up and its environment set, then end everything',
    'exec -- npm test',
  )
    .argument('<command...>', 'the command and its arguments, after --')
    .passThroughOptions()
    .action(async ([command = '', ...args]: string[], options: CommonOptions) => {
      process.exitCode = await interruptible((signal) => exec({ command, args, signal }, options));
    });
}

interface Call {
  readonly command: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

/** Ports are free ones, so that it runs beside `pageturner dev` and beside itself. */
async function exec(call: Call, options: CommonOptions): Promise<number> {
  const config = await loadConfig(options.config);
  const entry = await functionsEntry(process.cwd());
  await using stack = await startLocalStack({
    config,
    entry,
    ports: 'free',
    isReloading: false,
    signal: call.signal,
    onFunctionsEvent: printEvent,
  });
  if (options.json) process.stderr.write(`${JSON.stringify({ event: 'ready', env: stack.env })}\n`);
  return statusOf(await runCommand(call, stack));
}

async function runCommand({ command, args, signal }: Call, stack: LocalStack): Promise<ExitStatus> {
  let running: GuardedProcess;
  try {
    running = await startGuarded({ command, args, env: { ...process.env, ...stack.env }, output: 'inherit' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? `There is no command ${command}` : `${command} does not start: ${message}`;
    process.stderr.write(`pageturner: ${reason}.\n`);
    return { code: notFoundStatus, signal: null };
  }
  await Promise.race([running.exited, aborted(signal)]);
  // On a terminal Ctrl-C has reached the command, too, and it ends as it sees fit. From elsewhere it has to be ended.
  if (signal.aborted && !process.stdin.isTTY) {
    await running.close();
    throw signal.reason;
  }
  return await running.exited;
}

function statusOf({ code, signal }: ExitStatus): number {
  return signal === null ? (code ?? 1) : 128 + constants.signals[signal];
}

/** The command owns standard output; what the functions say goes beside it. */
function printEvent(event: FunctionsEvent): void {
  if (event.kind === 'output' && event.stream === 'stderr')
    process.stderr.write(`functions │ ${event.line}\n`);
  if (event.kind === 'ended') process.stderr.write(`${endedText(event)}\n`);
  if (event.kind === 'failed') process.stderr.write(`${failedText(event)}\n`);
}
