import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { errorRows } from '../../cli/conformance/errors.ts';
import { planRecording, record, type Recording, type RecordOptions } from '../../cli/conformance/record.ts';
import { startEmulator, type Emulator } from '../../emulator/index.ts';
import { startCli } from '../support/cli.ts';

async function service(): Promise<Emulator> {
  const emulator = await startEmulator({ clock: 'virtual', profile: 'strict' });
  onTestFinished(() => emulator.close());
  return emulator;
}

async function recordAt(
  endpoint: string,
  emulator: Emulator,
  changes: Partial<RecordOptions> = {},
): Promise<Recording> {
  return await record({
    ...planRecording('my-project', 'europe-west1'),
    endpoint,
    headers: {},
    settle: () => emulator.clock.advance(60_000),
    now: () => emulator.clock.now(),
    signal: new AbortController().signal,
    ...changes,
  });
}

interface Call {
  readonly method: string;
  readonly path: string;
}

/** The emulator, except where `instead` says what is answered. */
async function before(
  emulator: Emulator,
  instead: (call: Call) => object | undefined,
  change = (answer: string): string => answer,
): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await text(incoming);
      const { method = 'GET', url: path = '' } = incoming;
      const error = instead({ method, path });
      if (error) return outgoing.writeHead(429).end(JSON.stringify({ error }));
      const response = await fetch(`${emulator.url}${path}`, { method, ...(body !== '' && { body }) });
      return outgoing.writeHead(response.status).end(change(await response.text()));
    })();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('recorded of the emulator itself, every answer is the one of the table, and nothing is left behind', async () => {
  const emulator = await service();
  const { rows, skipped } = await recordAt(emulator.url, emulator);
  expect(rows.filter(({ isSame }) => !isSame)).toEqual([]);
  expect(rows.length + skipped.length).toBe(errorRows.length);
  expect(rows.length).toBeGreaterThanOrEqual(50);
  expect(new Set(skipped.map(({ reason }) => reason))).toEqual(
    new Set([
      'it is about gRPC, and the recorder speaks REST',
      'its error comes later, in an operation',
      'a quota would have to be used up',
    ]),
  );
  expect(JSON.stringify(rows)).not.toContain('my-project');
  expect(emulator.snapshot().queues).toEqual([]);
  expect(emulator.attempts()).toEqual([]);
});

test('of a service that answers otherwise, what is different is told with its mark', async () => {
  const emulator = await service();
  const other = (answer: string): string => answer.replace('Queue already exists', 'There is such a queue');
  const { rows } = await recordAt(await before(emulator, () => undefined, other), emulator);
  const different = rows.filter(({ isSame }) => !isSame);
  expect(different.length).toBeGreaterThan(0);
  for (const row of different) {
    expect(row).toMatchObject({
      recorded: { code: 'ALREADY_EXISTS', message: 'There is such a queue' },
      expected: { code: 'ALREADY_EXISTS', message: 'Queue already exists' },
      mark: 'recorded',
    });
  }
  expect(emulator.snapshot().queues).toEqual([]);
});

test('a queue that cannot be deleted fails the recording with its name and the mend, and the others are deleted', async () => {
  const emulator = await service();
  const quota = { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'quota' };
  const endpoint = await before(emulator, ({ method, path }) =>
    (method === 'DELETE' && path.endsWith('-q')) || (method === 'GET' && path.includes('/queues?'))
      ? quota
      : undefined,
  );
  const id = /pageturner-record-[0-9a-f]+-q/.source;
  await expect(recordAt(endpoint, emulator, { rows: [] })).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringMatching(
      new RegExp(
        `^Queues are left in projects/my-project/locations/europe-west1, or may be: ${id} \\(quota\\)\\.$`,
      ),
    ),
    nextStep: expect.stringMatching(
      new RegExp(`\`gcloud tasks queues delete ${id} --project my-project --location europe-west1\``),
    ),
  });
  expect(emulator.snapshot().queues.map(({ name }) => name)).toEqual([
    expect.stringMatching(new RegExp(`${id}$`)),
  ]);
});

test('a recording that is given up while it waits deletes its queues, and makes no more', async () => {
  const emulator = await service();
  const controller = new AbortController();
  const reason = new Error('enough');
  const settle = async (): Promise<void> => controller.abort(reason);
  await expect(recordAt(emulator.url, emulator, { settle, signal: controller.signal })).rejects.toBe(reason);
  expect(emulator.snapshot().queues).toEqual([]);
});

test('Ctrl-C while the command waits says that queues are being deleted, and deletes them', async () => {
  const emulator = await service();
  const paused = Promise.withResolvers<void>();
  const endpoint = await before(emulator, ({ path }) => void (path.endsWith(':pause') && paused.resolve()));
  const place = ['--project', 'my-project', '--location', 'europe-west1', '--endpoint', endpoint];
  const cli = startCli(['record', '--yes', ...place, '--output', '/nonexistent/recording.json']);
  onTestFinished(() => void cli.process.kill('SIGKILL'));
  await paused.promise;
  cli.process.kill('SIGINT');
  expect(await cli.ended).toEqual({
    status: 130,
    stdout: '',
    stderr: 'The queues that were made are being deleted.\n',
  });
  expect(emulator.snapshot().queues).toEqual([]);
});

test('a task that the service takes, against what the table says, is made in a queue that is paused', async () => {
  // It knows new queues at once, as strict does not.
  const emulator = await startEmulator({ clock: 'virtual' });
  onTestFinished(() => emulator.close());
  const { rows } = planRecording('my-project', 'europe-west1');
  const tooSoon = rows.filter(({ condition }) => condition.includes('less than a minute ago'));
  const recording = await recordAt(emulator.url, emulator, { rows: tooSoon });
  expect(recording.rows.map(({ recorded }) => recorded.code)).toEqual(['OK']);
  expect(emulator.attempts()).toEqual([]);
});
