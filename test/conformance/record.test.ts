import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { errorRows } from '../../cli/conformance/errors.ts';
import { planRecording, record, type Recording } from '../../cli/conformance/record.ts';
import { startEmulator, type Emulator } from '../../emulator/index.ts';

async function service(): Promise<Emulator> {
  const emulator = await startEmulator({ clock: 'virtual', profile: 'strict' });
  onTestFinished(() => emulator.close());
  return emulator;
}

async function recordAt(endpoint: string, emulator: Emulator): Promise<Recording> {
  return await record({
    ...planRecording('my-project', 'europe-west1'),
    endpoint,
    headers: {},
    settle: () => emulator.clock.advance(60_000),
    now: () => emulator.clock.now(),
  });
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
  const server = createServer((incoming, outgoing) => {
    void (async () => {
      const body = await text(incoming);
      const response = await fetch(`${emulator.url}${incoming.url}`, {
        method: incoming.method ?? 'GET',
        ...(body !== '' && { body }),
      });
      const answer = (await response.text()).replace('Queue already exists', 'There is such a queue');
      outgoing.writeHead(response.status).end(answer);
    })();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const { rows } = await recordAt(`http://127.0.0.1:${port}`, emulator);
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
