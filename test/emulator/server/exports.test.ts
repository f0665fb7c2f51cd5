import { expect, test } from 'vitest';
import type { Engine } from '../../../emulator/engine/engine.ts';
import { Exports } from '../../../emulator/server/exports.ts';
import { httpTarget, LOCATION, sampleQueue, sampleTask } from '../samples.ts';

test('more tasks than one text can hold are refused, with what to do instead', () => {
  const task = sampleTask({ target: { ...httpTarget, body: new Uint8Array(1_000_000) } });
  const queues = { all: () => [sampleQueue()] };
  const tasks = { all: () => Array.from({ length: 500 }, () => task) };
  const exports = new Exports({ queues, tasks } as unknown as Engine, LOCATION);
  expect(() => exports.tasks()).toThrow(/These 500 tasks would take up to \d+ MiB; at most 256 MiB/);
});
