import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startGuarded } from '../../cli/local/guard.ts';
import { freePort } from '../../cli/local/ports.ts';
import { functions } from '../../functions/index.ts';
import { projectFolder } from '../support/cli.ts';

test.each(Object.keys(functions))('the unmodified Functions Framework serves %s', async (target) => {
  const port = await freePort({ port: 0, service: 'the function', setting: 'the test' });
  await using framework = await startGuarded({
    command: process.execPath,
    args: [
      join(projectFolder, 'node_modules/.bin/functions-framework'),
      `--target=${target}`,
      `--port=${port}`,
    ],
    cwd: projectFolder,
    env: {
      ...process.env,
      GOOGLE_CLOUD_PROJECT: 'demo-framework',
      PAGETURNER_LOCATION: 'us-central1',
      PAGETURNER_FUNCTIONS_URL: 'https://functions.example',
      PAGETURNER_SERVICE_ACCOUNT: 'tasks@demo-framework.iam.gserviceaccount.com',
    },
  });
  await new Promise<void>((resolve, reject) => {
    framework.stdout?.on('data', (text: Buffer) => {
      if (text.includes('URL: ')) resolve();
    });
    void framework.exited.then(() => reject(new Error('The framework ended.')));
  });
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' });
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ error: { code: 'unauthenticated' } });
});
