import type { Ports } from '../lib/ports.ts';
import { createRuntime } from '../lib/runtime.ts';
import { CliError } from './error.ts';
import {
  findPlace,
  localFirestoreHost,
  localFunctionsUrl,
  localTasksHost,
  locationOf,
  useCloud,
  useLocalTasks,
  useNoMetadataServer,
  type PlaceOptions,
} from './place.ts';
import { variable } from './variable.ts';

/** Points the toolkit, which reads the environment, at the Firestore that the options mean: enough to look at runs. */
export async function useFirestore(options: PlaceOptions): Promise<void> {
  const place = await findPlace(options);
  if (place.kind === 'cloud') return useCloud(place);
  process.env['FIRESTORE_EMULATOR_HOST'] = await localFirestoreHost(place);
  process.env['GOOGLE_CLOUD_PROJECT'] = place.project;
  useNoMetadataServer();
  return undefined;
}

export interface RunsOptions extends PlaceOptions {
  readonly url?: string;
  readonly serviceAccount?: string;
}

/**
 * All that the toolkit needs to control runs, and so to enqueue, without its log: the command says itself what it did. Locally nothing
 * has to be given: functions and account are those of `pageturner dev`.
 *
 * @throws CliError `usage` where Google Cloud is meant and something is missing; `not-running`
 */
export async function useRuns(options: RunsOptions): Promise<Ports> {
  await setEnvironment(options);
  return { ...createRuntime(process.env).ports, log: { write() {} } };
}

async function setEnvironment(options: RunsOptions): Promise<void> {
  const place = await findPlace(options);
  const { env } = process;
  if (place.kind === 'cloud') {
    env['PAGETURNER_LOCATION'] = locationOf(place);
    useCloud(place);
    delete env['CLOUD_TASKS_EMULATOR_HOST'];
    env['PAGETURNER_FUNCTIONS_URL'] = given('--url', 'PAGETURNER_FUNCTIONS_URL', options.url);
    env['PAGETURNER_SERVICE_ACCOUNT'] = given(
      '--service-account',
      'PAGETURNER_SERVICE_ACCOUNT',
      options.serviceAccount,
    );
    return;
  }
  useLocalTasks(place, await localTasksHost(place));
  env['FIRESTORE_EMULATOR_HOST'] = await localFirestoreHost(place);
  env['PAGETURNER_LOCATION'] = place.location;
  env['PAGETURNER_FUNCTIONS_URL'] = options.url ?? localFunctionsUrl(place);
  env['PAGETURNER_SERVICE_ACCOUNT'] =
    options.serviceAccount ??
    variable('PAGETURNER_SERVICE_ACCOUNT') ??
    `pageturner@${place.project}.iam.gserviceaccount.com`;
}

function given(option: string, name: string, value: string | undefined): string {
  const found = value ?? variable(name);
  if (found) return found;
  throw new CliError(
    'usage',
    `The functions that carry the run on have a ${name}, and it is not known here.`,
    `Give ${option}, or set ${name} to what the functions have.`,
  );
}
