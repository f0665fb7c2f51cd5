import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { projectFolder } from '../../support/cli.ts';
import { portOf } from '../../support/serve-functions.ts';
import { toolkitEnvironment } from '../../support/toolkit-environment.ts';

/** The process of somebody who starts a task, and is then ended by its platform. */
const program = `
import { z } from 'zod';
import { startTask, task } from ${JSON.stringify(join(projectFolder, 'lib/index.ts'))};
const mail = task({ name: 'mail', queue: 'mail', params: z.object({}), run() {} });
await startTask(mail, {});
// A server is kept alive by its sockets.
setInterval(() => {}, 1_000);
process.kill(process.pid, 'SIGTERM');
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

test('the example in docs/observability.md, loaded by --import, sends the spans of a start to a collector', async () => {
  const page = readFileSync(join(projectFolder, 'docs/observability.md'), 'utf8');
  const [, example = expect.fail('no example')] = /^```js\n([^`]+)^```/m.exec(page) ?? [];
  // Beside node_modules, where a module finds the SDK.
  const folder = mkdtempSync(join(projectFolder, '.telemetry-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'telemetry.js'), example);
  writeFileSync(join(folder, 'program.js'), program);
  const project = `wiring-${process.pid}`;
  const emulator = await startEmulator({
    port: 0,
    project,
    location: 'europe-west1',
    queues: [{ name: 'mail' }],
  });
  onTestFinished(() => emulator.close());
  const collector = await startCollector();
  const child = spawn(process.execPath, ['--import', './telemetry.js', 'program.js'], {
    cwd: folder,
    env: {
      ...toolkitEnvironment(emulator, project, 'http://127.0.0.1:9'),
      OTEL_SERVICE_NAME: 'mailer',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [complaints, , [status]] = await Promise.all([
    text(child.stderr),
    text(child.stdout),
    once(child, 'close'),
  ]);
  expect(status, complaints).toBe(0);
  const sent = collector.posted.get('/v1/traces') ?? '';
  expect(sent).toContain('"name":"pageturner.start mail"');
  expect(sent).toContain('"name":"pageturner.enqueue"');
  expect(sent).toContain('"stringValue":"mailer"');
}, 180_000);
