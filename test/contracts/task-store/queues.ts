import { beforeEach, describe, expect, test } from 'vitest';
import type { TaskStore } from '../../../emulator/store/store.ts';
import { LOCATION, QUEUE, sampleQueue, sampleTask } from '../../emulator/samples.ts';

/** Queues: what `listQueues`, `putQueue`, `deleteQueue` and `isQueueNameHeld` promise. */
export function queueContract(open: () => TaskStore | Promise<TaskStore>): void {
  let store: TaskStore;

  beforeEach(async () => {
    store = await open();
  });

  describe('queues', () => {
    test('are none at the start', () => {
      expect(store.listQueues()).toEqual([]);
    });

    test('are read back as they were written, with all that they may have', () => {
      const queue = sampleQueue({
        state: 'DISABLED',
        purgeAt: 1_700_000_000_123.456,
        appEngineRoutingOverride: { service: 's', version: 'v', instance: 'i', host: 'h' },
        loggingSamplingRatio: 0.5,
        httpTarget: {
          uri: { scheme: 'http', host: 'a.example', port: 0, path: '', query: 'q', mode: 'ifNotExists' },
          method: 'PUT',
          headers: { 'X-A': 'é' },
          authorization: { kind: 'oidc', serviceAccountEmail: 'a@p', audience: 'x' },
        },
        isPull: true,
        taskTtlMs: 864_000_000,
        tombstoneTtlMs: 3_600_000,
        iamPolicy: { version: 1, bindings: [{ role: 'r', members: ['m'] }], etag: 'e' },
      });
      store.putQueue(queue);
      expect(store.listQueues()).toEqual([queue]);
    });

    test('are listed in the order of their names, those of all locations together', () => {
      const names = [
        'projects/a/locations/l/queues/z',
        `${LOCATION}/queues/Q`,
        `${LOCATION}/queues/q`,
        `${LOCATION}/queues/q-1`,
        `${LOCATION}/queues/q1`,
      ];
      for (const name of names.toReversed()) store.putQueue(sampleQueue({ name }));
      expect(store.listQueues().map(({ name }) => name)).toEqual(names);
    });

    test('that are put again have the new settings and keep their tasks', () => {
      store.putQueue(sampleQueue());
      store.insertTask(sampleTask({ scheduleAt: 5 }));
      const paused = sampleQueue({ state: 'PAUSED', purgeAt: 7 });
      store.putQueue(paused);
      expect(store.listQueues()).toEqual([paused]);
      expect(store.getTask(sampleTask().name)).toBeDefined();
      expect(store.nextDueAt(QUEUE)).toBe(5);
    });
  });

  describe('a deleted queue', () => {
    const other = `${LOCATION}/queues/other`;

    beforeEach(() => {
      store.putQueue(sampleQueue());
      store.putQueue(sampleQueue({ name: other }));
      for (const id of ['waiting', 'in-flight', 'gone']) store.insertTask(sampleTask({ id }));
      store.insertTask(sampleTask({ queue: other }));
      store.claimTask(sampleTask({ id: 'in-flight' }).name, (task) => task);
      store.deleteTask(sampleTask({ id: 'gone' }).name, { at: 10, nameFreeAt: 1000 });
    });

    test('is gone with its tasks, and says which they were', () => {
      const names = store.deleteQueue(QUEUE, { at: 20, nameFreeAt: 20 });
      expect(names.toSorted()).toEqual(['in-flight', 'waiting'].map((id) => sampleTask({ id }).name));
      expect(store.listQueues().map(({ name }) => name)).toEqual([other]);
      store.putQueue(sampleQueue());
      expect(store.listTasks(QUEUE, { start: 0, limit: 10 })).toEqual({ tasks: [] });
      expect(store.getTask(sampleTask({ id: 'waiting' }).name)).toBeUndefined();
      expect(store.nextDueAt(QUEUE)).toBeUndefined();
    });

    test('takes the memory of its task names with it', () => {
      const { name } = sampleTask({ id: 'gone' });
      expect(store.isTaskNameHeld(name, 20)).toBe(true);
      store.deleteQueue(QUEUE, { at: 20, nameFreeAt: 20 });
      store.putQueue(sampleQueue());
      expect(store.isTaskNameHeld(name, 20)).toBe(false);
      expect(store.isTaskNameHeld(sampleTask({ id: 'waiting' }).name, 20)).toBe(false);
    });

    test('leaves the tasks of the others alone', () => {
      store.deleteQueue(QUEUE, { at: 20, nameFreeAt: 20 });
      expect(store.listTasks(other, { start: 0, limit: 10 }).tasks).toEqual([sampleTask({ queue: other })]);
    });

    test('holds its name until the instant from which it is free', () => {
      expect(store.isQueueNameHeld(QUEUE, 20)).toBe(false);
      store.deleteQueue(QUEUE, { at: 20, nameFreeAt: 30 });
      expect(store.isQueueNameHeld(QUEUE, 29.999)).toBe(true);
      expect(store.isQueueNameHeld(QUEUE, 30)).toBe(false);
      expect(store.isQueueNameHeld(other, 20)).toBe(false);
    });

    test('holds no name that is free at once', () => {
      store.deleteQueue(QUEUE, { at: 20, nameFreeAt: 20 });
      expect(store.isQueueNameHeld(QUEUE, 20)).toBe(false);
    });
  });
}
