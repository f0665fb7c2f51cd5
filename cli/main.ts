/** The command line, `pageturner`. Exit status: 0 done, 1 failed, 2 called wrongly; 130 after Ctrl-C; `exec` has its command's. */
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/load.ts';
import { demoCommand } from './commands/demo.ts';
import { devCommand } from './commands/dev.ts';
import { emulatorCommand } from './commands/emulator.ts';
import { execCommand } from './commands/exec.ts';
import { queuesCommand } from './commands/queues.ts';
import { runsCommand } from './commands/runs.ts';
import { startCommand } from './commands/start.ts';
import { tasksCommand } from './commands/tasks.ts';
import { CliError } from './error.ts';
import { Interrupted } from './interrupt.ts';

const commands = [
  demoCommand(),
  devCommand(),
  execCommand(),
  emulatorCommand(),
  startCommand(),
  runsCommand(),
  queuesCommand(),
  tasksCommand(),
];

function newProgram(): Command {
  const program = new Command('pageturner')
    .description(
      'Long jobs over Firestore collections, one page per Cloud Task; on this machine and in Google Cloud.',
    )
    .enablePositionalOptions()
    .showHelpAfterError('Add --help to see how it is called.')
    .addHelpText('after', '\nExample:\n  $ pageturner demo');
  for (const command of commands) program.addCommand(command);
  throwInsteadOfExiting(program);
  return program;
}

/** Commander would end the process, and so leave behind what runs. */
function throwInsteadOfExiting(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExiting(child);
}

/** Reports an error in one or two lines, and gives the status to exit with. */
function report(error: unknown, isJson: boolean): number {
  if (error instanceof Interrupted) return error.exitCode;
  // Commander has printed its own.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
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

function asFault(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof ConfigError) return new CliError('config', message, undefined, { cause: error });
  return new CliError('failed', message, 'PAGETURNER_DEBUG=1 shows where it comes from.', { cause: error });
}

// A reader that has seen enough, such as `head`, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await newProgram().parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error, process.argv.includes('--json'));
}
