import { afterEach, expect, test, vi } from 'vitest';
import {
  findPlace,
  localFirestoreHost,
  localFunctionsUrl,
  localTasksHost,
  type LocalPlace,
} from '../../cli/place.ts';
import { configFile } from '../support/config-file.ts';
import { okServer } from '../support/ok-server.ts';

afterEach(() => vi.unstubAllEnvs());

const variables = ['CLOUD_TASKS_EMULATOR_HOST', 'FIRESTORE_EMULATOR_HOST', 'PAGETURNER_FUNCTIONS_URL'];

test('variables that are empty name nothing: what the configuration says counts', async () => {
  const port = await okServer();
  for (const name of variables) vi.stubEnv(name, '');
  const found = (await findPlace({ config: configFile() })) as LocalPlace;
  const ports = { ...found.config.ports, tasks: port, firestore: port, functions: port };
  const place = { ...found, config: { ...found.config, ports } };
  const host = `127.0.0.1:${port}`;
  expect(await localTasksHost(place)).toBe(host);
  expect(await localFirestoreHost(place)).toBe(host);
  expect(localFunctionsUrl(place)).toBe(`http://${host}`);
});

test('an empty GOOGLE_CLOUD_PROJECT is passed over for GCLOUD_PROJECT', async () => {
  vi.stubEnv('GOOGLE_CLOUD_PROJECT', '');
  vi.stubEnv('GCLOUD_PROJECT', 'other-project');
  expect(await findPlace({ cloud: true })).toMatchObject({ project: 'other-project' });
});
