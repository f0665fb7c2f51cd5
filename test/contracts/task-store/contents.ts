import { beforeEach, describe, expect, test } from 'vitest';
import type { StoreContents, TaskStore } from '../../../emulator/store/store.ts';
import { httpTarget, LOCATION, QUEUE, sampleQueue, sampleTask } from '../../emulator/samples.ts';

const OTHER = `${LOCATION}/queues/other`;

/** All at once: what `contents` and `replaceContents` promise. */
export function contentsContract(open: () => TaskStore | Promise<TaskStore>): void {
  let store: TaskStore;

  beforeEach(async () => {
    store = await open();
    store.putQueue(sampleQueue());
    store.putQueue(sampleQueue({ name: OTHER, state: 'PAUSED' }));
    for (const id of ['b', 'a', 'c']) {
      store.insertTask(
        sampleTask({ id, scheduleAt: 5, target: { ...httpTarget, body: new Uint8Array([1, 255]) } }),
      );
      store.insertTask(sampleTask({ id, queue: OTHER }));
    }
  });

  describe('the contents', () => {
    test('hold the tasks of all queues in the order of their creation, and what is in flight as it is', () => {
      const claim = store.claimDue(QUEUE, 5, (task) => ({ ...task, dispatchCount: 1 }));
      const { queues, tasks } = store.contents(0);
      expect(queues).toEqual(store.listQueues());
      expect(tasks.map(({ name }) => name)).toEqual(
        ['b', 'a', 'c'].flatMap((id) => [sampleTask({ id }).name, sampleTask({ id, queue: OTHER }).name]),
      );
      expect(tasks[0]).toEqual(claim?.task);
    });

    test('hold the names that are held now, and no other', () => {
      store.deleteTask(sampleTask({ id: 'a' }).name, { at: 0, nameFreeAt: 10 });
      store.deleteTask(sampleTask({ id: 'b' }).name, { at: 0, nameFreeAt: 20 });
      store.deleteQueue(OTHER, { at: 0, nameFreeAt: 30 });
      expect(store.contents(10)).toMatchObject({
        heldTaskNames: [{ name: sampleTask({ id: 'b' }).name, freeAt: 20 }],
        heldQueueNames: [{ name: OTHER, freeAt: 30 }],
      });
      expect(store.contents(30)).toMatchObject({ heldTaskNames: [], heldQueueNames: [] });
    });

    test('take the place of everything, with every task waiting', () => {
      store.claimDue(QUEUE, 5, (task) => ({ ...task, dispatchCount: 1 }));
      store.deleteTask(sampleTask({ id: 'a' }).name, { at: 0, nameFreeAt: 10 });
      const before = store.contents(0);
      store.deleteQueue(OTHER, { at: 0, nameFreeAt: 100 });
      store.purgeTasks(QUEUE, { at: 0, nameFreeAt: 100 });
      store.putQueue(sampleQueue({ name: `${LOCATION}/queues/third` }));

      store.replaceContents(before, 0);
      expect(store.contents(0)).toEqual(before);
      expect(store.isQueueNameHeld(OTHER, 0)).toBe(false);
      expect(store.isTaskNameHeld(sampleTask({ id: 'a' }).name, 0)).toBe(true);
      expect(store.isTaskNameHeld(sampleTask({ id: 'b' }).name, 0)).toBe(false);
      expect(store.nextDueAt(QUEUE)).toBe(5);
      expect(store.claimDue(QUEUE, 5, (task) => task)?.task.dispatchCount).toBe(1);
    });

    test('go on with new tasks behind those that were put there', () => {
      store.replaceContents(store.contents(0), 0);
      store.insertTask(sampleTask({ id: 'later' }));
      const { tasks } = store.listTasks(QUEUE, { start: 0, limit: 10 });
      expect(tasks.map(({ name }) => name)).toEqual(
        ['b', 'a', 'c', 'later'].map((id) => sampleTask({ id }).name),
      );
    });

    test('may be nothing at all', () => {
      const nothing: StoreContents = { queues: [], tasks: [], heldQueueNames: [], heldTaskNames: [] };
      store.replaceContents(nothing, 0);
      expect(store.contents(0)).toEqual(nothing);
    });
  });
}
