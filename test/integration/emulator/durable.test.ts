import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CloudTasksClient } from '@google-cloud/tasks';
import { credentials } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import { SeededRandom } from '../../../emulator/engine/random.ts';

const LIVES = 4;
const PARENT = 'projects/demo-durable/locations/us-central1';
const QUEUE = `${PARENT}/queues/work`;
const PAUSED = `${PARENT}/queues/paused`;
const REFUSED = [5, 6, 9];

interface Life {
  readonly client: CloudTasksClient;
  readonly kill: () => Promise<void>;
  readonly jwks: unknown;
}

/** One life of an emulator on the file, in a process of its own. */
async function live(file: string, first: boolean): Promise<Life> {
  const process_ = spawn(
    process.execPath,
    [fileURLToPath(new URL('./durable-process.ts', import.meta.url)), file],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void process_.kill('SIGKILL'));
  const [url] = (await once(createInterface({ input: process_.stdout }), 'line')) as [string];
  const client = new CloudTasksClient({
    apiEndpoint: '127.0.0.1',
    port: Number(new URL(url).port),
    sslCreds: credentials.createInsecure(),
  });
  if (first) {
    const retryConfig = {
      minBackoff: { nanos: 10_000_000 },
      maxBackoff: { nanos: 50_000_000 },
      maxAttempts: -1,
    };
    await client.createQueue({ parent: PARENT, queue: { name: QUEUE, retryConfig } });
    await client.createQueue({ parent: PARENT, queue: { name: PAUSED } });
    await client.pauseQueue({ name: PAUSED });
  }
  const jwks: unknown = await (await fetch(`${url}/oauth2/v3/certs`)).json();
  return {
    client,
    jwks,
    kill: async () => {
      process_.kill('SIGKILL');
      await once(process_, 'exit');
      await client.close();
    },
  };
}

/** A target that remembers which tasks came, and calls back for each. */
async function startTarget(): Promise<{
  url: string;
  came: Map<string, number>;
  until: (names: readonly string[]) => Promise<void>;
}> {
  const came = new Map<string, number>();
  let check = (): void => {};
  const server = createServer((request, response) => {
    const name = String(request.headers['x-cloudtasks-taskname']);
    came.set(name, (came.get(name) ?? 0) + 1);
    response.end();
    check();
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.close().closeAllConnections();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    came,
    until: (names) =>
      new Promise((resolve) => {
        check = () => {
          if (names.every((name) => came.has(name))) resolve();
        };
        check();
      }),
  };
}

test('what was acknowledged is delivered, however often the emulator is killed with SIGKILL', async () => {
  const seed = Number(process.env['PAGETURNER_SEED'] ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}: replay with PAGETURNER_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'pageturner-durable-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'tasks.db');
  const target = await startTarget();
  const acknowledged: string[] = [];
  const keys: unknown[] = [];

  for (let round = 0; round < LIVES; round += 1) {
    const life = await live(file, round === 0);
    keys.push(life.jwks);
    expect((await life.client.getQueue({ name: PAUSED }))[0].state).toBe('PAUSED');
    // A name that is taken stays taken: it is that of a task that waits, or of one that is done.
    const again = acknowledged.map((id) => create(life.client, id, target.url));
    const outcomes = await Promise.allSettled(again);
    const accepted = outcomes.flatMap((outcome, index) =>
      outcome.status === 'rejected' && (outcome.reason as { code?: number }).code === 6
        ? []
        : [acknowledged[index]],
    );
    expect(accepted).toEqual([]);
    const killAfter = 20 + Math.floor(random.next() * 120);
    let created = 0;
    const { promise: isEnough, resolve: enough } = Promise.withResolvers<void>();
    const creators = Array.from({ length: 8 }, async (_, creator) => {
      for (let n = 0; n < 1000; n += 1) {
        const id = `t-${round}-${creator}-${n}`;
        try {
          await create(life.client, id, target.url);
        } catch (error) {
          expect(REFUSED).not.toContain((error as { code?: number }).code);
          return;
        }
        acknowledged.push(id);
        created += 1;
        if (created === killAfter) enough();
      }
    });
    await isEnough;
    await life.kill();
    await Promise.all(creators);
  }

  const last = await live(file, false);
  await target.until(acknowledged);
  expect(keys.every((key) => JSON.stringify(key) === JSON.stringify(last.jwks))).toBe(true);
  expect(acknowledged.length).toBeGreaterThan(LIVES * 20);
  await last.kill();
});

test('a name that was used in virtual time is held after a restart, whatever the time of the machine', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pageturner-durable-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const dataFile = join(folder, 'tasks.db');
  const statuses: number[] = [];
  for (let life = 0; life < 2; life += 1) {
    await using emulator = await startEmulator({ dataFile, clock: 'virtual' });
    const call = (method: string, path: string, body?: object): Promise<Response> =>
      fetch(`${emulator.url}/v2/${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
    const name = `${QUEUE}/tasks/once`;
    const task = {
      name,
      scheduleTime: '2026-01-01T00:30:00Z',
      httpRequest: { url: 'http://127.0.0.1:9/' },
    };
    if (life === 0) await call('POST', `${PARENT}/queues`, { name: QUEUE });
    statuses.push((await call('POST', `${QUEUE}/tasks`, { task })).status);
    await call('DELETE', name);
  }
  expect(statuses).toEqual([200, 409]);
});

async function create(client: CloudTasksClient, id: string, url: string): Promise<void> {
  const task = { name: `${QUEUE}/tasks/${id}`, httpRequest: { url, httpMethod: 'POST' as const } };
  await client.createTask({ parent: QUEUE, task }, { retry: null, timeout: 5000 });
}
