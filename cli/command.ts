import { Command, Option } from 'commander';

/** What every command takes. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly config?: string;
}

/** A command as all of them are: with `--json` and `--config`, and an example at the end of its help. */
export function newCommand(name: string, description: string, example: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print the result as JSON, for programs')
    .option('--config <file>', 'the configuration (default: emulator.config.json of this folder)')
    .addHelpText('after', `\nExample:\n  $ pageturner ${example}`);
}

/** Adds the options that say whether the emulators or Google Cloud are meant. */
export function withPlace(command: Command): Command {
  return command
    .addOption(new Option('--cloud', 'address Google Cloud, not the local emulators'))
    .option(
      '--project <id>',
      'project (default: that of the configuration; with --cloud, GOOGLE_CLOUD_PROJECT)',
    )
    .option(
      '--location <id>',
      'location of the queues (default: that of the configuration; with --cloud, PAGETURNER_LOCATION)',
    );
}
