import {
  ApiError,
  DataFileError,
  startEmulator,
  type Emulator,
  type EmulatorOptions,
  type EngineSettings,
} from '../../emulator/index.ts';
import { secondsOf } from '../../config/queue-schema.ts';
import type { EmulatorConfig } from '../../config/schema.ts';
import { CliError } from '../error.ts';
import { portError, type PortUse } from './ports.ts';

/**
 * Starts the Cloud Tasks emulator with the project, location and queues of the configuration.
 *
 * @throws CliError `port-in-use`; `config` where the data file or an address cannot be used
 */
export async function startTasksEmulator(
  config: EmulatorConfig,
  use: PortUse,
  options: Pick<EmulatorOptions, 'host' | 'dataFile' | 'snapshot' | 'onWarning' | 'clock' | 'seed'> = {},
): Promise<Emulator> {
  const { project, location, profile, queues, publicUrl, appEngineUrl, followRedirects, traceContext } =
    config;
  const { rewrite } = config;
  try {
    return await startEmulator({
      ...options,
      port: use.port,
      project,
      location,
      profile,
      queues,
      publicUrl,
      followRedirects,
      traceContext,
      rewrite,
      settings: engineSettings(config.settings),
      ...(appEngineUrl !== undefined && { appEngineUrl }),
    });
  } catch (error) {
    if (error instanceof DataFileError || error instanceof ApiError)
      throw new CliError('config', error.message, undefined, { cause: error });
    throw portError(error, use, options.host);
  }
}

/** Where people look at it. */
export function consoleUrl(emulatorUrl: string): string {
  return `${emulatorUrl}/console/`;
}

function engineSettings(settings: EmulatorConfig['settings']): Partial<EngineSettings> {
  const { taskNameReuseAfter, queueNameReuseAfter, hasBackPressure, hasErrorPressure, hasSlowStart } =
    settings;
  const { autoCreatesQueues, missingQueueCode, conflictCode } = settings;
  return {
    ...(taskNameReuseAfter !== undefined && { taskNameReuseAfterMs: secondsOf(taskNameReuseAfter) * 1000 }),
    ...(queueNameReuseAfter !== undefined && {
      queueNameReuseAfterMs: secondsOf(queueNameReuseAfter) * 1000,
    }),
    ...(autoCreatesQueues !== undefined && { autoCreatesQueues }),
    ...(missingQueueCode !== undefined && { missingQueueCode }),
    ...(conflictCode !== undefined && { conflictCode }),
    ...(hasBackPressure !== undefined && { hasBackPressure }),
    ...(hasErrorPressure !== undefined && { hasErrorPressure }),
    ...(hasSlowStart !== undefined && { hasSlowStart }),
  };
}
