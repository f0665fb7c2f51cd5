import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../../../cli/local/ports.ts';
import { startGuarded } from '../../../cli/local/guard.ts';
import { startEmulator } from '../../../emulator/index.ts';
import { projectFolder } from '../../support/cli.ts';
import { portOf } from '../../support/serve-functions.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';

/** A function that starts a task. */
const program = `
import { http } from '@google-cloud/functions-framework';
import { z } from 'zod';
import { startTask, task } from ${JSON.stringify(join(projectFolder, 'lib/index.ts'))};
const mail = task({ name: 'mail', queue: 'mail', params: z.object({}), run() {} });
http('start', async (request, response) => void response.json(await startTask(mail, {})));
`;

/** A collector: takes what is posted to it as OTLP over HTTP. */
async function startCollector(): Promise<{ url: string; posted: Map<string, string> }> {
  const posted = new Map<string, string>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      posted.set(request.url ?? '', (posted.get(request.url ?? '') ?? '') + body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${portOf(server)}`, posted };
}

test('the example in docs/observability.md, loaded by --import into the Functions Framework, sends the last spans before it ends', async () => {
  const page = readFileSync(join(projectFolder, 'docs/observability.md'), 'utf8');
  const [, example = expect.fail('no example')] = /^```js\n([^`]+)^```/m.exec(page) ?? [];
  // Beside node_modules, where a module finds the SDK.
  const folder = mkdtempSync(join(projectFolder, '.telemetry-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'telemetry.js'), example);
  writeFileSync(join(folder, 'program.js'), program);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', main: 'program.js' }));
  const project = `wiring-${process.pid}`;
  const emulator = await startEmulator({
    port: 0,
    project,
    location: 'europe-west1',
    queues: [{ name: 'mail' }],
  });
  onTestFinished(() => emulator.close());
  const collector = await startCollector();
  const port = await freePort({ port: 0, service: 'the function', setting: 'the test' });
  await using framework = await startGuarded({
    command: process.execPath,
    args: [
      '--import',
      './telemetry.js',
      join(projectFolder, 'node_modules/.bin/functions-framework'),
      '--target=start',
      `--port=${port}`,
    ],
    cwd: folder,
    env: {
      ...toolkitEnvironment(emulator, project, 'http://127.0.0.1:9'),
      OTEL_SERVICE_NAME: 'mailer',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    },
  });
  await expect
    .poll(async () => (await fetch(`http://127.0.0.1:${port}/`).catch(() => undefined))?.status, {
      timeout: 60_000,
    })
    .toBe(200);
  process.kill(framework.pid, 'SIGTERM');
  expect(await framework.exited).toMatchObject({ code: 0 });
  const sent = collector.posted.get('/v1/traces') ?? '';
  expect(sent).toContain('"name":"pageturner.start mail"');
  expect(sent).toContain('"name":"pageturner.enqueue"');
  expect(sent).toContain('"stringValue":"mailer"');
}, 180_000);
