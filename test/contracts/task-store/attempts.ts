import { beforeEach, describe, expect, test } from 'vitest';
import type { Task } from '../../../emulator/core/model.ts';
import type { TaskStore } from '../../../emulator/store/store.ts';
import { LOCATION, QUEUE, sampleQueue, sampleTask } from '../../emulator/samples.ts';

const NOW = 1_700_000_000_000;
const OTHER = `${LOCATION}/queues/other`;

/** Waiting and in flight: what claiming, rescheduling and releasing tasks promise. */
export function attemptContract(open: () => TaskStore | Promise<TaskStore>): void {
  let store: TaskStore;

  beforeEach(async () => {
    store = await open();
    store.putQueue(sampleQueue());
    store.putQueue(sampleQueue({ name: OTHER }));
  });

  /** Inserts one task for each due time given, in that order. */
  function insert(dueAt: Readonly<Record<string, number>>): void {
    for (const [id, scheduleAt] of Object.entries(dueAt)) store.insertTask(sampleTask({ id, scheduleAt }));
  }

  function nameOf(id: string): string {
    return sampleTask({ id }).name;
  }

  function begin(task: Task): Task {
    return { ...task, dispatchCount: task.dispatchCount + 1, lastAttempt: { dispatchAt: NOW } };
  }

  function read(id: string): Task {
    return store.getTask(nameOf(id)) ?? expect.fail(`no task ${id}`);
  }

  describe('what falls due next', () => {
    test('is the earliest of the waiting tasks of the queue, or nothing', () => {
      expect(store.nextDueAt(QUEUE)).toBeUndefined();
      insert({ late: NOW + 20, early: NOW + 10.5, later: NOW + 30 });
      store.insertTask(sampleTask({ queue: OTHER, scheduleAt: NOW }));
      expect(store.nextDueAt(QUEUE)).toBe(NOW + 10.5);
      store.deleteTask(nameOf('early'), { at: NOW, nameFreeAt: NOW });
      expect(store.nextDueAt(QUEUE)).toBe(NOW + 20);
      store.claimTask(nameOf('late'), begin);
      expect(store.nextDueAt(QUEUE)).toBe(NOW + 30);
    });
  });

  describe('claiming what is due', () => {
    test('takes the task that fell due first, and each only once', () => {
      insert({ second: NOW - 1, third: NOW, first: NOW - 2, early: NOW + 0.001 });
      const claimed = Array.from({ length: 4 }, () => store.claimDue(QUEUE, NOW, begin)?.task.name);
      expect(claimed).toEqual([nameOf('first'), nameOf('second'), nameOf('third'), undefined]);
      expect(store.nextDueAt(QUEUE)).toBe(NOW + 0.001);
    });

    test('keeps the task as the attempt makes it, and gives it as it was and as it is', () => {
      insert({ a: NOW - 1 });
      const before = read('a');
      const claim = store.claimDue(QUEUE, NOW, (task) => ({ ...begin(task), scheduleAt: NOW - 1 }));
      expect(claim).toEqual({ before, task: begin(before) });
      expect(read('a')).toEqual(begin(before));
    });

    test('takes nothing of another queue', () => {
      store.insertTask(sampleTask({ queue: OTHER }));
      expect(store.claimDue(QUEUE, NOW, begin)).toBeUndefined();
    });

    test('begins no attempt when nothing is due', () => {
      insert({ early: NOW + 1 });
      expect(store.claimDue(QUEUE, NOW, () => expect.fail('began'))).toBeUndefined();
    });

    test('takes effect whole or not at all', () => {
      insert({ a: NOW });
      const before = read('a');
      const fail = () => {
        throw new Error('no attempt');
      };
      expect(() => store.claimDue(QUEUE, NOW, fail)).toThrow('no attempt');
      expect(() => store.claimTask(before.name, fail)).toThrow('no attempt');
      expect(read('a')).toEqual(before);
      expect(store.nextDueAt(QUEUE)).toBe(NOW);
    });
  });

  describe('claiming a task', () => {
    test('takes it before its time', () => {
      insert({ a: NOW + 1000 });
      const before = read('a');
      expect(store.claimTask(before.name, begin)).toEqual({ before, task: begin(before) });
      expect(read('a').dispatchCount).toBe(1);
      expect(store.nextDueAt(QUEUE)).toBeUndefined();
    });

    test('takes it although it is in flight', () => {
      insert({ a: NOW });
      store.claimDue(QUEUE, NOW, begin);
      expect(store.claimTask(nameOf('a'), begin)?.task.dispatchCount).toBe(2);
      expect(store.nextDueAt(QUEUE)).toBeUndefined();
    });

    test('that does not exist begins nothing', () => {
      expect(store.claimTask(nameOf('none'), () => expect.fail('began'))).toBeUndefined();
    });
  });

  describe('an attempt that failed', () => {
    test('has the task wait until its new time, with the record of the attempt', () => {
      insert({ a: NOW, b: NOW + 50 });
      const claim = store.claimDue(QUEUE, NOW, begin) ?? expect.fail('nothing due');
      const failed = { ...claim.task, responseCount: 1, previousHttpStatus: 500, scheduleAt: NOW + 100.25 };
      store.rescheduleTask(failed);
      expect(read('a')).toEqual(failed);
      expect(store.nextDueAt(QUEUE)).toBe(NOW + 50);
      expect(store.claimDue(QUEUE, NOW + 50, begin)?.task.name).toBe(nameOf('b'));
      expect(store.nextDueAt(QUEUE)).toBe(NOW + 100.25);
      expect(store.claimDue(QUEUE, NOW + 100, begin)).toBeUndefined();
      expect(store.claimDue(QUEUE, NOW + 100.25, begin)?.before).toEqual(failed);
    });

    test.each([
      ['was deleted', () => store.deleteTask(nameOf('a'), { at: NOW, nameFreeAt: NOW })],
      ['was purged', () => store.purgeTasks(QUEUE, { at: NOW, nameFreeAt: NOW })],
    ])('does not bring back a task that %s meanwhile', (_, remove) => {
      insert({ a: NOW });
      const claim = store.claimDue(QUEUE, NOW, begin) ?? expect.fail('nothing due');
      remove();
      store.rescheduleTask(claim.task);
      store.recordLateResponse(claim.task);
      expect(store.getTask(nameOf('a'))).toBeUndefined();
      expect(store.nextDueAt(QUEUE)).toBeUndefined();
    });
  });

  describe('a late response', () => {
    test('is counted and leaves the task in flight', () => {
      insert({ a: NOW });
      store.claimDue(QUEUE, NOW, begin);
      const counted = { ...read('a'), responseCount: 1 };
      store.recordLateResponse(counted);
      expect(read('a')).toEqual(counted);
      expect(store.nextDueAt(QUEUE)).toBeUndefined();
    });

    test('is counted and leaves the task waiting', () => {
      insert({ a: NOW + 10 });
      const counted = { ...read('a'), responseCount: 1 };
      store.recordLateResponse(counted);
      expect(read('a')).toEqual(counted);
      expect(store.nextDueAt(QUEUE)).toBe(NOW + 10);
    });
  });

  describe('releasing all claims', () => {
    test('makes every task in flight wait again, due when its attempt was', () => {
      insert({ a: NOW - 2, b: NOW + 500, waiting: NOW + 1000 });
      store.insertTask(sampleTask({ queue: OTHER, scheduleAt: NOW - 1 }));
      store.claimDue(QUEUE, NOW, begin);
      store.claimTask(nameOf('b'), (task) => ({ ...begin(task), scheduleAt: NOW }));
      store.claimDue(OTHER, NOW, begin);
      store.releaseClaims();
      expect(store.nextDueAt(OTHER)).toBe(NOW - 1);
      const claimed = Array.from({ length: 3 }, () => store.claimDue(QUEUE, NOW, begin)?.before);
      expect(claimed).toEqual([
        expect.objectContaining({ name: nameOf('a'), dispatchCount: 1 }),
        expect.objectContaining({ name: nameOf('b'), dispatchCount: 1 }),
        undefined,
      ]);
      expect(store.nextDueAt(QUEUE)).toBe(NOW + 1000);
    });
  });
}
