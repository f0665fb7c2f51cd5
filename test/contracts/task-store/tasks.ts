import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Task } from '../../../emulator/core/model.ts';
import type { TaskStore } from '../../../emulator/store/store.ts';
import {
  appEngineTarget,
  httpTarget,
  LOCATION,
  QUEUE,
  sampleQueue,
  sampleTask,
} from '../../emulator/samples.ts';

const OTHER = `${LOCATION}/queues/other`;

/** Tasks at rest: what inserting, getting, listing, deleting and purging them promise. */
export function taskContract(open: () => TaskStore | Promise<TaskStore>): void {
  let store: TaskStore;

  beforeEach(async () => {
    store = await open();
    store.putQueue(sampleQueue());
    store.putQueue(sampleQueue({ name: OTHER }));
  });

  function insert(...ids: string[]): void {
    for (const id of ids) store.insertTask(sampleTask({ id }));
  }

  function nameOf(id: string): string {
    return sampleTask({ id }).name;
  }

  function idsOf(tasks: readonly Task[]): string[] {
    return tasks.map(({ name }) => name.slice(`${QUEUE}/tasks/`.length));
  }

  describe('tasks', () => {
    test.each<[string, Task]>([
      [
        'with all that an HTTP task may have',
        sampleTask({
          target: {
            ...httpTarget,
            method: 'PUT',
            headers: { 'x-PAGE': '1', 'X-Empty': '' },
            body: Uint8Array.of(0, 1, 127, 128, 255),
            authorization: { kind: 'oidc', serviceAccountEmail: 'a@b.c', audience: 'https://x' },
          },
          scheduleAt: 1_700_000_000_123.456,
          createAt: 1_700_000_000_000,
          dispatchCount: 3,
          responseCount: 2,
          executionCount: 1,
          firstAttempt: { dispatchAt: 1_700_000_000_001.001 },
          lastAttempt: {
            scheduleAt: 1_700_000_000_000.5,
            dispatchAt: 1_700_000_000_002.002,
            responseAt: 1_700_000_000_003.003,
            responseStatus: { code: 13, message: 'INTERNAL(13): HTTP status code 500' },
          },
          previousHttpStatus: 500,
        }),
      ],
      [
        'with all that an App Engine task may have',
        sampleTask({
          target: {
            ...appEngineTarget,
            body: Uint8Array.of(1),
            routing: { service: 's', version: 'v', instance: 'i', host: 'h' },
          },
        }),
      ],
      ['with nothing that is optional', sampleTask()],
      [
        'with all that a pull task may have, and retry settings of its own',
        sampleTask({
          target: { kind: 'pull', body: Uint8Array.of(0, 255), tag: 'é' },
          retryConfig: {
            maxAttempts: -1,
            maxRetryDurationMs: 1000,
            minBackoffMs: 0.5,
            maxBackoffMs: 2000,
            maxDoublings: 3,
          },
        }),
      ],
    ])('%s are read back as they were written', (_, task) => {
      store.insertTask(task);
      expect(store.getTask(task.name)).toEqual(task);
      expect(store.listTasks(QUEUE, { start: 0, limit: 1 }).tasks).toEqual([task]);
    });

    test('wait from the beginning', () => {
      store.insertTask(sampleTask({ scheduleAt: 1_700_000_000_123.456 }));
      expect(store.nextDueAt(QUEUE)).toBe(1_700_000_000_123.456);
    });

    test('that nobody inserted are undefined', () => {
      insert('a');
      expect(store.getTask(nameOf('b'))).toBeUndefined();
    });

    test('of the same id in two queues are two', () => {
      insert('a');
      expect(store.getTask(sampleTask({ id: 'a', queue: OTHER }).name)).toBeUndefined();
      store.insertTask(sampleTask({ id: 'a', queue: OTHER, scheduleAt: 9 }));
      expect(store.getTask(nameOf('a'))?.scheduleAt).toBe(0);
    });
  });

  test('the tasks of a queue are counted, waiting or in flight', () => {
    expect(store.countTasks(QUEUE)).toBe(0);
    insert('a', 'b', 'c');
    store.insertTask(sampleTask({ id: 'x', queue: OTHER }));
    store.claimTask(nameOf('a'), (task) => task);
    expect(store.countTasks(QUEUE)).toBe(3);
    store.deleteTask(nameOf('a'), { at: 0, nameFreeAt: 0 });
    expect(store.countTasks(QUEUE)).toBe(2);
    store.purgeTasks(QUEUE, { at: 0, nameFreeAt: 0 });
    expect(store.countTasks(QUEUE)).toBe(0);
  });

  describe('a list of tasks', () => {
    test('is in order of creation, whatever their names and schedules, in flight or not', () => {
      for (const [index, id] of ['c', 'a', 'b'].entries()) {
        store.insertTask(sampleTask({ id, scheduleAt: 100 - index }));
      }
      store.insertTask(sampleTask({ id: 'x', queue: OTHER }));
      store.claimTask(nameOf('a'), (task) => task);
      expect(idsOf(store.listTasks(QUEUE, { start: 0, limit: 10 }).tasks)).toEqual(['c', 'a', 'b']);
    });

    test('is the same in pages of any size, and its last page says that it is the last', () => {
      const ids = Array.from({ length: 12 }, (_, index) => `t${index}`);
      insert(...ids);
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 13 }), (limit) => {
          const seen: string[] = [];
          let start: number | undefined = 0;
          let pages = 0;
          while (start !== undefined) {
            const page = store.listTasks(QUEUE, { start, limit });
            expect(page.tasks.length).toBeLessThanOrEqual(limit);
            seen.push(...idsOf(page.tasks));
            start = page.next;
            pages += 1;
          }
          expect(seen).toEqual(ids);
          expect(pages).toBe(Math.ceil(ids.length / limit));
        }),
      );
    });

    test.each([
      ['of the page before', 'b', ['d', 'e']],
      ['with which the page was to begin', 'd', ['e']],
    ])('is not shifted when a task %s is deleted between two pages', (_, deleted, expected) => {
      insert('a', 'b', 'c', 'd', 'e');
      const { next } = store.listTasks(QUEUE, { start: 0, limit: 3 });
      store.deleteTask(nameOf(deleted), { at: 0, nameFreeAt: 0 });
      const page = store.listTasks(QUEUE, { start: next ?? expect.fail('no next'), limit: 3 });
      expect(idsOf(page.tasks)).toEqual(expected);
    });

    test('has at its end a task whose name was used before', () => {
      insert('a', 'b');
      store.deleteTask(nameOf('a'), { at: 0, nameFreeAt: 0 });
      insert('a');
      expect(idsOf(store.listTasks(QUEUE, { start: 0, limit: 10 }).tasks)).toEqual(['b', 'a']);
    });
  });

  describe('a deleted task', () => {
    test.each([
      ['waiting', () => {}],
      ['in flight', () => store.claimTask(nameOf('a'), (task) => task)],
    ])('that was %s is gone for good', (_, before) => {
      insert('a');
      before();
      store.deleteTask(nameOf('a'), { at: 10, nameFreeAt: 10 });
      expect(store.getTask(nameOf('a'))).toBeUndefined();
      expect(store.listTasks(QUEUE, { start: 0, limit: 10 })).toEqual({ tasks: [] });
      store.releaseClaims();
      expect(store.nextDueAt(QUEUE)).toBeUndefined();
    });

    test('holds its name until the instant from which it is free', () => {
      insert('a', 'b');
      expect(store.isTaskNameHeld(nameOf('a'), 10)).toBe(false);
      store.deleteTask(nameOf('a'), { at: 10, nameFreeAt: 20 });
      expect(store.isTaskNameHeld(nameOf('a'), 19.999)).toBe(true);
      expect(store.isTaskNameHeld(nameOf('a'), 20)).toBe(false);
      expect(store.isTaskNameHeld(nameOf('b'), 10)).toBe(false);
      expect(store.isTaskNameHeld(sampleTask({ id: 'a', queue: OTHER }).name, 10)).toBe(false);
    });

    test('holds no name that is free at once', () => {
      insert('a');
      store.deleteTask(nameOf('a'), { at: 10, nameFreeAt: 10 });
      expect(store.isTaskNameHeld(nameOf('a'), 10)).toBe(false);
    });

    test('is not deleted twice: its name is free when it was to be', () => {
      insert('a');
      store.deleteTask(nameOf('a'), { at: 10, nameFreeAt: 20 });
      store.deleteTask(nameOf('a'), { at: 15, nameFreeAt: 25 });
      store.deleteTask(nameOf('never'), { at: 15, nameFreeAt: 25 });
      expect(store.isTaskNameHeld(nameOf('a'), 20)).toBe(false);
      expect(store.isTaskNameHeld(nameOf('never'), 20)).toBe(false);
    });

    test('whose name is used again holds it anew when that one is gone', () => {
      insert('a');
      store.deleteTask(nameOf('a'), { at: 10, nameFreeAt: 20 });
      insert('a');
      expect(store.getTask(nameOf('a'))).toBeDefined();
      store.deleteTask(nameOf('a'), { at: 30, nameFreeAt: 40 });
      expect(store.isTaskNameHeld(nameOf('a'), 35)).toBe(true);
    });
  });

  describe('a purge', () => {
    test('removes every task of the queue, in flight or not, and says which they were', () => {
      insert('a', 'b', 'c');
      store.insertTask(sampleTask({ id: 'a', queue: OTHER }));
      store.claimTask(nameOf('b'), (task) => task);
      const names = store.purgeTasks(QUEUE, { at: 10, nameFreeAt: 20 });
      expect(names.toSorted()).toEqual(['a', 'b', 'c'].map(nameOf));
      expect(store.listTasks(QUEUE, { start: 0, limit: 10 })).toEqual({ tasks: [] });
      expect(store.nextDueAt(QUEUE)).toBeUndefined();
      expect(store.isTaskNameHeld(nameOf('b'), 19)).toBe(true);
      expect(store.isTaskNameHeld(nameOf('b'), 20)).toBe(false);
      expect(store.listTasks(OTHER, { start: 0, limit: 10 }).tasks).toHaveLength(1);
    });

    test('leaves the queue as it is, ready for new tasks', () => {
      insert('a');
      store.purgeTasks(QUEUE, { at: 10, nameFreeAt: 10 });
      insert('a');
      expect(store.listQueues()).toContainEqual(sampleQueue());
      expect(store.nextDueAt(QUEUE)).toBe(0);
      expect(store.purgeTasks(QUEUE, { at: 10, nameFreeAt: 10 })).toEqual([nameOf('a')]);
      expect(store.purgeTasks(QUEUE, { at: 10, nameFreeAt: 10 })).toEqual([]);
    });
  });
}
