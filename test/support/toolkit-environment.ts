import type { Emulator } from '../../emulator/index.ts';

/** What the toolkit reads of its environment, for functions at a URL whose queues are an emulator's. */
export function toolkitEnvironment(
  emulator: Emulator,
  project: string,
  functionsUrl: string,
): NodeJS.ProcessEnv {
  return {
    ...process.env,
    GOOGLE_CLOUD_PROJECT: project,
    PAGETURNER_LOCATION: 'europe-west1',
    PAGETURNER_FUNCTIONS_URL: functionsUrl,
    PAGETURNER_SERVICE_ACCOUNT: `tasks@${project}.iam.gserviceaccount.com`,
    PAGETURNER_ISSUER: emulator.issuer,
    CLOUD_TASKS_EMULATOR_HOST: `${emulator.host}:${emulator.port}`,
  };
}
