import { createRequire } from 'node:module';
import { Command } from 'commander';

const { version } = createRequire(import.meta.url)('pageturner/package.json') as { version: string };

/** Each command, loaded when it is wanted: Google's libraries take a second to load. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./commands/demo.ts')).demoCommand(),
  dev: async () => (await import('./commands/dev.ts')).devCommand(),
  exec: async () => (await import('./commands/exec.ts')).execCommand(),
  emulator: async () => (await import('./commands/emulator.ts')).emulatorCommand(),
  start: async () => (await import('./commands/start.ts')).startCommand(),
  runs: async () => (await import('./commands/runs.ts')).runsCommand(),
  queues: async () => (await import('./commands/queues.ts')).queuesCommand(),
  snapshot: async () => (await import('./commands/snapshot.ts')).snapshotCommand(),
  record: async () => (await import('./commands/record.ts')).recordCommand(),
  tasks: async () => (await import('./commands/tasks.ts')).tasksCommand(),
};

/**
 * The whole command line.
 *
 * @param wanted the first argument. Where it names a command the others are left out; where it asks for the version, all are.
 */
export async function newProgram(wanted?: string): Promise<Command> {
  const program = new Command('pageturner')
    .description(
      'Long jobs over Firestore collections, one page per Cloud Task; on this machine and in Google Cloud.',
    )
    .version(version, '--version', 'print the version')
    .enablePositionalOptions()
    .addHelpText('after', '\nExample:\n  $ pageturner demo');
  if (wanted === '--version') return program.exitOverride();
  const isKnown = wanted !== undefined && Object.hasOwn(commands, wanted);
  for (const [name, load] of Object.entries(commands))
    if (!isKnown || name === wanted) program.addCommand(await load());
  throwFaults(program);
  return program;
}

/** Commander would print a fault itself and end the process, and so leave behind what runs. */
function throwFaults(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {} });
  for (const child of command.commands) throwFaults(child);
}
