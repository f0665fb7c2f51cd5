import { expect, test } from 'vitest';
import { iterativeTask, pauseRun, resumeRun } from '../../lib/index.ts';
import type { OutboxTask } from '../../lib/core/outbox.ts';
import type { TestPorts } from '../support/test-runtime.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import { changed } from '../support/changed.ts';
import { memoryPorts } from '../support/memory-ports.ts';
import { begin, takeAll } from '../support/runs.ts';
import { base, child } from './walk.fixture.ts';

const gone = (): Error => Object.assign(new Error('died'), { code: 14, details: 'died' });

test('what a shard started survives a standstill that was read while the run was taken up and paused again', async () => {
  const ports = memoryPorts();
  const walk = iterativeTask({
    ...base,
    pageSize: 2,
    page(documents, ctx) {
      for (const { id } of documents) ctx.start(child, { id });
    },
  });
  const lastTurn = () => {
    const delivery = ports.queue.tasks.at(-1)?.delivery;
    return delivery?.kind === 'turn' ? delivery : expect.fail('the last task is no turn');
  };
  const dyingAt = (dies: (task: OutboxTask) => boolean): TestPorts => ({
    ...ports,
    queue: changed(ports.queue, {
      enqueue: (task) => (dies(task) ? Promise.reject(gone()) : ports.queue.enqueue(task)),
    }),
  });
  await begin(walk, ports);
  const first = lastTurn();
  await pauseRun('r', {}, ports);
  let isFirstRead = true;
  /** Reads the run late, when all of this has happened to it. */
  const slow = changed(ports.store, {
    async getRun(id) {
      const early = await ports.store.getRun(id);
      if (early === undefined || !isFirstRead) return early;
      isFirstRead = false;
      await resumeRun('r', {}, ports);
      const second = lastTurn();
      // A worker commits a page and dies before it enqueues anything; so does who pauses by force then.
      await expect(
        takeTurn(
          walk,
          second,
          dyingAt(() => true),
        ),
      ).rejects.toThrow('died');
      const dying = dyingAt(({ queue }) => queue === 'children');
      await expect(pauseRun('r', { force: true }, dying)).rejects.toThrow('died');
      const late = await ports.store.getRun(id);
      return late && { run: late.run, shards: early.shards };
    },
  });
  expect(await takeTurn(walk, first, { ...ports, store: slow })).toBe('parked');
  await resumeRun('r', {}, ports);
  await takeAll(walk, ports);
  const started = ports.queue.tasks.flatMap(({ delivery }) =>
    delivery.kind === 'task' ? [(delivery.params as { readonly id: string }).id] : [],
  );
  expect(started.toSorted().join('')).toBe('abcdefgh');
});
