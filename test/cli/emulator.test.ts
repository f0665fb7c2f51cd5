import { expect, test } from 'vitest';
import { startCli, type Ended } from '../support/cli.ts';
import { configFile } from '../support/config-file.ts';

/** Starts the emulator, creates a task with a token for an http:// address, and ends it. */
async function createTask(...args: string[]): Promise<Ended & { answer: unknown }> {
  const config = configFile({ project: 'demo-p', location: 'us-central1', queues: [{ name: 'mail' }] });
  const cli = startCli(['emulator', '--json', '--port', '0', '--config', config, ...args]);
  const { url } = JSON.parse(await cli.line(/"ready"/)) as { url: string };
  const oidcToken = { serviceAccountEmail: 'a@demo-p.iam.gserviceaccount.com' };
  const response = await fetch(`${url}/v2/projects/demo-p/locations/us-central1/queues/mail/tasks`, {
    method: 'POST',
    body: JSON.stringify({ task: { httpRequest: { url: 'http://127.0.0.1:9/', oidcToken } } }),
  });
  const answer: unknown = await response.json();
  cli.process.kill('SIGINT');
  return { ...(await cli.ended), answer };
}

const REFUSAL =
  "HttpRequest.url must start with 'https://' for request with HttpRequest.authorization_header";

test('the emulator lets through what production would refuse, and says so on standard error', async () => {
  const { answer, stderr } = await createTask();
  expect(answer).toHaveProperty('name');
  expect(stderr).toBe(`Warning: mail: the service would refuse this with INVALID_ARGUMENT: ${REFUSAL}\n`);
});

test('the emulator refuses it with --profile strict', async () => {
  const { answer, stderr } = await createTask('--profile', 'strict');
  expect(answer).toMatchObject({ error: { status: 'INVALID_ARGUMENT', message: REFUSAL } });
  expect(stderr).toBe('');
});

test('the emulator says that it listens to other machines when it does', async () => {
  const { stderr } = await createTask('--host', '0.0.0.0', '--profile', 'strict');
  expect(stderr).toMatch(/^Warning: 0\.0\.0\.0: the emulator listens to other machines too/);
});
