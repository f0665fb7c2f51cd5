import type { EmulatorConfig } from '../../config/schema.ts';

/** What lets Google's own libraries find the Cloud Tasks emulator, and get their tokens from it. */
export function emulatorEnvironment(config: EmulatorConfig, tasksHost: string): Record<string, string> {
  return {
    GOOGLE_CLOUD_PROJECT: config.project,
    CLOUD_TASKS_EMULATOR_HOST: tasksHost,
    GCE_METADATA_HOST: tasksHost,
    METADATA_SERVER_DETECTION: 'assume-present',
  };
}

/** What lets `gcloud tasks` find the Cloud Tasks emulator. */
export function gcloudEnvironment(config: EmulatorConfig, tasksHost: string): Record<string, string> {
  return {
    CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDTASKS: `http://${tasksHost}/`,
    CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
    CLOUDSDK_CORE_PROJECT: config.project,
  };
}
