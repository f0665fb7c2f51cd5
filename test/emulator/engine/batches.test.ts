import { expect, test } from 'vitest';
import { QUEUE } from '../samples.ts';
import { startEngine } from './fixture.ts';

test('a batch that is remembered for its request id keeps no bodies, and its tasks have theirs', () => {
  const { engine } = startEngine();
  engine.queues.pause(QUEUE);
  const body = new TextEncoder().encode('page');
  const item = { parent: '', task: { target: { kind: 'http', url: 'http://127.0.0.1:9/', body } as const } };
  const batch = engine.batches.create(QUEUE, [item, item], '0f8fad5b-d9cb-469f-a165-70867728950e');
  expect(batch.tasks.map(({ target }) => target.body.length)).toEqual([0, 0]);
  expect(batch.tasks.map(({ name }) => engine.tasks.get(name).target.body)).toEqual([body, body]);
  expect(engine.batches.create(QUEUE, [item], '0f8fad5b-d9cb-469f-a165-70867728950e')).toBe(batch);
});
