import { expect, test } from 'vitest';
import { z } from 'zod';
import { iterativeTask } from '../../lib/index.ts';
import { startOn } from '../../lib/start-task.ts';
import { memoryPorts } from '../support/memory-ports.ts';

const walk = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  query: (_, db) => db.collection('things'),
  page: () => {},
});

test.each([
  ['key', 'key is not a text'],
  ['idempotencyKey', 'The idempotency key is not a text'],
])('%s: what is no text is refused, and starts nothing', async (option, fault) => {
  const ports = memoryPorts();
  const options = { startedBy: 'test', [option]: 7 };
  await expect(startOn(ports, walk, {}, options)).rejects.toThrow(fault);
  expect(ports.queue.tasks).toEqual([]);
});
