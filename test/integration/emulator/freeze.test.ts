import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { startEmulator } from '../../../emulator/index.ts';
import type { Emulator } from '../../../emulator/index.ts';
import { serve } from '../../emulator/web-server.ts';
import { callRest } from './call-rest.ts';

const HOUR_MS = 3_600_000;
const queue = 'projects/demo-pageturner/locations/us-central1/queues/mail';

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator({ queues: [{ name: 'mail' }] });
  onTestFinished(() => emulator.close());
});

async function create(url: string, inMs = 0): Promise<void> {
  const scheduleTime = new Date(emulator.clock.now() + inMs).toISOString();
  const reply = await callRest(emulator, 'POST', `/v2/${queue}/tasks`, {
    task: { scheduleTime, httpRequest: { url } },
  });
  expect(reply.status).toBe(200);
}

const post = async (verb: string, body: object = {}): Promise<unknown> =>
  (await callRest(emulator, 'POST', `/emulator/v1/clock:${verb}`, body)).body;

test('a running clock is frozen, moved, and goes on; tasks then come as real time passes', async () => {
  const target = await serve();
  await create(target.url, 2 * HOUR_MS);
  await create(target.url, HOUR_MS);
  emulator.clock.freeze();
  expect(emulator.clock.isFrozen).toBe(true);
  const stood = emulator.clock.now();
  expect(await emulator.clock.runNext()).toBe(true);
  expect(target.requests).toHaveLength(1);
  expect(emulator.clock.now() - stood).toBeLessThanOrEqual(HOUR_MS);
  await emulator.clock.advance(2 * HOUR_MS);
  expect(target.requests).toHaveLength(2);
  await emulator.clock.resume();
  await create(target.url);
  await emulator.waitForDeliveries({}, 3);
  expect(emulator.clock.now()).toBeGreaterThan(stood + 2 * HOUR_MS);
});

test('waits that began while time passed end when it is frozen, and run it on', async () => {
  const target = await serve();
  await create(target.url, HOUR_MS);
  const waits = [emulator.idle(), emulator.waitForDeliveries({}, 1)];
  emulator.clock.freeze();
  await Promise.all(waits);
  expect(target.requests).toHaveLength(1);
});

test('a wait that began while it was frozen goes on when time passes', async () => {
  const target = await serve();
  emulator.clock.freeze();
  const wait = emulator.waitForDeliveries({}, 1);
  await emulator.clock.resume();
  await create(target.url);
  expect(await wait).toHaveLength(1);
});

test('reset lets time pass again, as the machine has it', async () => {
  emulator.clock.freeze();
  await emulator.clock.advance(24 * HOUR_MS);
  await emulator.reset();
  expect(emulator.clock.isFrozen).toBe(false);
  expect(emulator.clock.now()).toBeLessThan(Date.now() + HOUR_MS);
  await expect(emulator.clock.advance(1)).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
});

test('a virtual clock can be let go', async () => {
  await using virtual = await startEmulator({ clock: 'virtual' });
  await virtual.clock.resume();
  expect(virtual.clock.isFrozen).toBe(false);
  expect(virtual.clock.now()).toBeGreaterThanOrEqual(Date.UTC(2026, 0, 1));
  await virtual.reset();
  expect(virtual.clock.now()).toBe(Date.UTC(2026, 0, 1));
});

test('the same over HTTP', async () => {
  const target = await serve();
  await create(target.url, HOUR_MS);
  expect(await post('advance', { ms: 1 })).toMatchObject({ error: { status: 'FAILED_PRECONDITION' } });
  const frozen = (await post('freeze')) as { now: number };
  expect(frozen).toMatchObject({ state: 'frozen', nextDueAt: expect.any(Number) });
  expect(await post('advance', { ms: 1000 })).toMatchObject({ state: 'frozen', now: frozen.now + 1000 });
  expect(await post('runNext')).toMatchObject({ hasRun: true });
  expect(target.requests).toHaveLength(1);
  expect(await post('resume')).toMatchObject({ state: 'running' });
  expect(await post('resume', { ms: 1 })).toMatchObject({ error: { status: 'INVALID_ARGUMENT' } });
});
