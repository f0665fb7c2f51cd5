import { loadConfig } from '../config/load.ts';
import type { EmulatorConfig } from '../config/schema.ts';
import { CliError } from './error.ts';
import { emulatorEnvironment } from './local/environment.ts';
import { firestoreAnswers } from './local/firestore-emulator.ts';
import { variable } from './variable.ts';

/** The options that say where a command works; see `withPlace`. */
export interface PlaceOptions {
  readonly cloud?: boolean;
  readonly project?: string;
  readonly location?: string;
  readonly config?: string;
}

/** Where a command works: on the emulators of this machine, or in Google Cloud. */
export type Place = LocalPlace | CloudPlace;

export interface LocalPlace {
  readonly kind: 'local';
  readonly project: string;
  readonly location: string;
  readonly config: EmulatorConfig;
}

export interface CloudPlace {
  readonly kind: 'cloud';
  readonly project: string;
  /** The location of the queues, if it was given. */
  readonly location: string | undefined;
}

/** @throws CliError `usage` where Google Cloud is meant and no project is given, or the project can be none; ConfigError */
export async function findPlace(options: PlaceOptions): Promise<Place> {
  const place = await placeOf(options);
  // What a configuration says is checked by its schema.
  const isGiven = place.kind === 'cloud' || options.project !== undefined;
  if (!isGiven || /^([a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*$/.test(place.project)) return place;
  throw new CliError(
    'usage',
    `${place.project} can be no id of a project.`,
    'Give its id, in small letters, digits and hyphens, and not its name.',
  );
}

async function placeOf(options: PlaceOptions): Promise<Place> {
  if (options.cloud) {
    const project = options.project ?? variable('GOOGLE_CLOUD_PROJECT') ?? variable('GCLOUD_PROJECT');
    if (!project) {
      throw new CliError(
        'usage',
        'Which project is meant?',
        'Give --project PROJECT, or set GOOGLE_CLOUD_PROJECT.',
      );
    }
    return { kind: 'cloud', project, location: options.location ?? variable('PAGETURNER_LOCATION') };
  }
  const config = await loadConfig(options.config);
  return {
    kind: 'local',
    project: options.project ?? config.project,
    location: options.location ?? config.location,
    config,
  };
}

/** The location of a place's queues. @throws CliError `usage` where it was not given */
export function locationOf(place: Place): string {
  if (place.location) return place.location;
  throw new CliError(
    'usage',
    'Which location are the queues in?',
    'Give --location LOCATION, such as us-central1, or set PAGETURNER_LOCATION.',
  );
}

/**
 * `host:port` of the local Cloud Tasks emulator: what CLOUD_TASKS_EMULATOR_HOST says, else what the configuration says.
 *
 * @throws CliError `not-running`
 */
export async function localTasksHost({ config }: LocalPlace): Promise<string> {
  const host = variable('CLOUD_TASKS_EMULATOR_HOST') ?? configuredHost(config, 'tasks');
  if (await isHealthy(host)) return host;
  throw new CliError(
    'not-running',
    `No Cloud Tasks emulator answers at ${host}.`,
    'Start it with `pageturner dev` or `pageturner emulator`, or address Google Cloud with --cloud.',
  );
}

/** `host:port` of the local Firestore emulator. @throws CliError `not-running` */
export async function localFirestoreHost({ config }: LocalPlace): Promise<string> {
  const host = variable('FIRESTORE_EMULATOR_HOST') ?? configuredHost(config, 'firestore');
  if (await firestoreAnswers(host)) return host;
  throw new CliError(
    'not-running',
    `No Firestore emulator answers at ${host}.`,
    'Start it with `pageturner dev`, or address Google Cloud with --cloud.',
  );
}

/** Where the local functions are served. */
export function localFunctionsUrl({ config }: LocalPlace): string {
  return variable('PAGETURNER_FUNCTIONS_URL') ?? `http://${configuredHost(config, 'functions')}`;
}

/** Points Google's libraries in this process at the Cloud Tasks emulator. */
export function useLocalTasks({ config, project }: LocalPlace, host: string): void {
  Object.assign(process.env, emulatorEnvironment({ ...config, project }, host));
}

/** Google's libraries else look for a metadata server that nobody needs, and warn of what a proxy answers in its place. */
export function useNoMetadataServer(): void {
  process.env['METADATA_SERVER_DETECTION'] ||= 'none';
}

/** Points Google's libraries in this process at Google Cloud, whatever emulators the environment names. */
export function useCloud({ project }: CloudPlace): void {
  process.env['GOOGLE_CLOUD_PROJECT'] = project;
  for (const name of ['FIRESTORE_EMULATOR_HOST', 'GCE_METADATA_HOST']) delete process.env[name];
  // Whether this is a machine of Google's, without asking the network: what a proxy answers there is warned of.
  process.env['METADATA_SERVER_DETECTION'] = 'bios-only';
}

const variables = {
  tasks: 'CLOUD_TASKS_EMULATOR_HOST',
  firestore: 'FIRESTORE_EMULATOR_HOST',
  functions: 'PAGETURNER_FUNCTIONS_URL',
} as const;

function configuredHost(config: EmulatorConfig, service: keyof typeof variables): string {
  const port = config.ports[service];
  if (port !== 0) return `127.0.0.1:${port}`;
  throw new CliError(
    'not-running',
    `ports.${service} is 0 in emulator.config.json, which is a different port at each start.`,
    `Set ${variables[service]} to what the running one printed.`,
  );
}

async function isHealthy(host: string): Promise<boolean> {
  try {
    const response = await fetch(`http://${host}/healthz`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
