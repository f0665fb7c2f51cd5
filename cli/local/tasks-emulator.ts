import { DataFileError, startEmulator, type Emulator, type EmulatorOptions } from '../../emulator/index.ts';
import type { EmulatorConfig } from '../../config/schema.ts';
import { CliError } from '../error.ts';
import { portError, portUses } from './ports.ts';

/**
 * Starts the Cloud Tasks emulator with the project, location and queues of the configuration.
 *
 * @throws CliError `port-in-use`; `config` where the data file cannot be used
 */
export async function startTasksEmulator(
  config: EmulatorConfig,
  port: number,
  options: Pick<EmulatorOptions, 'host' | 'dataFile' | 'onWarning' | 'clock' | 'seed'> = {},
): Promise<Emulator> {
  const { project, location, profile, queues } = config;
  try {
    return await startEmulator({ ...options, port, project, location, profile, queues });
  } catch (error) {
    if (error instanceof DataFileError)
      throw new CliError('config', error.message, undefined, { cause: error });
    throw portError(error, portUses.tasks(port));
  }
}
