import { Command } from 'commander';

/** What every command takes. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly config?: string;
}

/** A command as all of them are: with `--json` and `--config`, and an example at the end of its help. */
export function newCommand(name: string, description: string, example: string): Command {
  return newGroup(name, description, example)
    .option('--json', 'print JSON, for programs')
    .option('--config <file>', 'the configuration (default: emulator.config.json of this folder)');
}

/** A command that only holds others. */
export function newGroup(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .addHelpText('after', `\nExample:\n  $ pageturner ${example}`);
}

/** Adds the options that say whether the emulators or Google Cloud are meant. */
export function withProject(command: Command): Command {
  return command
    .option('--cloud', 'address Google Cloud, not the local emulators')
    .option(
      '--project <id>',
      'project (default: that of the configuration; with --cloud, GOOGLE_CLOUD_PROJECT)',
    );
}

/** Adds `withProject`, and where the queues are. */
export function withPlace(command: Command): Command {
  return withProject(command).option(
    '--location <id>',
    'location of the queues (default: that of the configuration; with --cloud, PAGETURNER_LOCATION)',
  );
}
