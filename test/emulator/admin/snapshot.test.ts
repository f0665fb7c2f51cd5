import { expect, test } from 'vitest';
import { takeSnapshot } from '../../../emulator/admin/snapshot.ts';
import type { Task } from '../../../emulator/core/model.ts';
import type { EngineState } from '../../../emulator/engine/engine.ts';
import { httpTarget, QUEUE, sampleTask } from '../samples.ts';

const empty: EngineState = {
  now: 0,
  queues: [],
  tasks: [],
  heldQueueNames: [],
  heldTaskNames: [],
  tokensFullAt: {},
  kmsKeys: {},
};
const take = (state: Partial<EngineState>): unknown =>
  takeSnapshot({ state: { ...empty, ...state }, isFrozen: false, chance: 0 });
const long = 'x'.repeat(80_000);
const heldName = { name: `${QUEUE}/tasks/${'x'.repeat(500)}`, freeAt: 1 };

test.each<[string, Partial<EngineState>]>([
  ['bodies', { tasks: many(150, { target: { ...httpTarget, body: new Uint8Array(1_000_000) } }) }],
  ['headers', { tasks: many(2000, { target: { ...httpTarget, headers: { long } } }) }],
  ['names that are held', { heldTaskNames: Array.from({ length: 300_000 }, () => heldName) }],
])('a snapshot is refused where %s would make it longer than what can be read again', (_, state) => {
  expect(() => take(state)).toThrow(/would have some \d+ MiB; at most 128 MiB are read again/);
});

function many(length: number, changes: Partial<Task>): readonly Task[] {
  const task = sampleTask(changes);
  return Array.from({ length }, () => task);
}
