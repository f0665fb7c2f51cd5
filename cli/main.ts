/**
 * The command line, `pageturner`. Exit status: 0 done, 1 failed, 2 called wrongly; 130 where Ctrl-C broke it off; `exec` has its
 * command's.
 */
import { CommanderError } from 'commander';
import { asFault } from './fault.ts';
import { Interrupted } from './interrupt.ts';
import { newProgram } from './program.ts';

/** Reports an error in one or two lines, and gives the status to exit with. */
function report(error: unknown, isJson: boolean): number {
  if (error instanceof Interrupted) return error.exitCode;
  if (error instanceof CommanderError && error.code === 'commander.version') return 0;
  // Help was asked for, or printed for a command that only holds others.
  if (error instanceof CommanderError && error.code.startsWith('commander.help')) return helpStatus(error);
  const fault = asFault(error);
  if (isJson) {
    const { code, message, nextStep } = fault;
    process.stderr.write(`${JSON.stringify({ error: { code, message, nextStep } })}\n`);
  } else {
    process.stderr.write(`pageturner: ${fault.message}\n`);
    if (fault.nextStep) process.stderr.write(`${fault.nextStep}\n`);
  }
  if (process.env['PAGETURNER_DEBUG'] === '1') console.error(error);
  return fault.exitCode;
}

function helpStatus({ exitCode }: CommanderError): number {
  return exitCode === 0 ? 0 : 2;
}

/** Whether this command is to speak JSON; what follows `--` is for another. */
function speaksJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end === -1 ? args : args.slice(0, end)).includes('--json');
}

// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

// Google's clients throw some faults where nobody can catch them: that there are no credentials, say.
process.on('uncaughtException', (error) => process.exit(report(error, speaksJson(process.argv))));

try {
  const program = await newProgram(process.argv[2]);
  await program.parseAsync(process.argv);
} catch (error) {
  // What was broken off in the middle may still hold timers and sockets; what had to be ended has been.
  process.exit(report(error, speaksJson(process.argv)));
}
