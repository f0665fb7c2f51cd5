import { ApiError } from '../core/errors.ts';
import type { Queue, Task } from '../core/model.ts';

/** The store cannot be written now, and has changed nothing. Callers of the API see it as UNAVAILABLE; it may be tried again. */
export class StoreFault extends ApiError {
  constructor(message: string) {
    super('UNAVAILABLE', message);
  }
}

/** A task that has just begun an attempt. */
export interface Claim {
  /** As it was before. */
  readonly before: Task;
  /** As it is kept now. */
  readonly task: Task;
}

/** When a name was given up, and from when it may be used again. Not after `at`: it is free at once and leaves no trace. */
export interface NameRelease {
  readonly at: number;
  readonly nameFreeAt: number;
}

export interface TaskPage {
  readonly tasks: readonly Task[];
  /** Where the next page starts; absent on the last. */
  readonly next?: number;
}

/** A name that nobody may use before this instant. */
export interface HeldName {
  readonly name: string;
  readonly freeAt: number;
}

/** All that a store holds. What was in flight stands in it as what waits. */
export interface StoreContents {
  readonly queues: readonly Queue[];
  /** In the order of creation. */
  readonly tasks: readonly Task[];
  readonly heldQueueNames: readonly HeldName[];
  readonly heldTaskNames: readonly HeldName[];
}

/**
 * Where the engine keeps queues and tasks. Every method is synchronous and takes effect whole or not at all; a durable store has
 * written the change when the method returns, or throws `StoreFault`.
 *
 * A task is **waiting** (it falls due at `scheduleAt`) or **in flight** (claimed: an attempt is under way). A durable store remembers
 * which, so that after a crash `releaseClaims` makes what was in flight due again.
 *
 * Queues and tasks are immutable values: neither side ever changes one that it handed over or was given, so a store may keep and
 * give out the same objects. The caller checks that a queue exists before it touches its tasks, and that a name is free before it
 * inserts.
 */
export interface TaskStore {
  /** Every queue, in name order. */
  listQueues(): readonly Queue[];
  /** Adds the queue, or replaces its settings and state; its tasks stay. */
  putQueue(queue: Queue): void;
  /** Removes the queue, its tasks and the memory of its task names. Returns the names of the tasks that went with it. */
  deleteQueue(name: string, release: NameRelease): readonly string[];
  /** Whether a deleted queue still holds this name at `now`. */
  isQueueNameHeld(name: string, now: number): boolean;

  /** Adds a task, waiting. */
  insertTask(task: Task): void;
  getTask(name: string): Task | undefined;
  /** How many tasks the queue has, waiting and in flight. */
  countTasks(queueName: string): number;
  /** Tasks in order of creation, from `start` (a former page's `next`, or 0). A deletion between two pages shifts nothing. */
  listTasks(queueName: string, page: { readonly start: number; readonly limit: number }): TaskPage;
  /** Removes a task for good: it succeeded, ran out of attempts, or was deleted. Does nothing if it is gone already. */
  deleteTask(name: string, release: NameRelease): void;
  /** Removes every task of the queue. Returns their names. */
  purgeTasks(queueName: string, release: NameRelease): readonly string[];
  /** Whether a task that is gone still holds this name at `now`. */
  isTaskNameHeld(name: string, now: number): boolean;

  /** When the queue's first waiting task falls due; `undefined` if none waits. */
  nextDueAt(queueName: string): number | undefined;
  /**
   * Puts the waiting task that fell due first in flight, as `begin` makes it; `undefined` if none is due at `now`. Of those that fell due
   * at the same instant, the one that was created first goes first.
   */
  claimDue(queueName: string, now: number, begin: (task: Task) => Task): Claim | undefined;
  /** Puts this task in flight whatever its schedule, also if it is in flight already; `undefined` if there is no such task. */
  claimTask(name: string, begin: (task: Task) => Task): Claim | undefined;
  /** Ends an attempt that failed: the task waits again, until `task.scheduleAt`. */
  rescheduleTask(task: Task): void;
  /** Keeps the counts of a response that no longer decides anything. The task stays waiting or in flight, as it is. */
  recordLateResponse(task: Task): void;
  /** Makes every task in flight wait again. For the start, when nobody can be working on them any more. */
  releaseClaims(): void;

  /** All that is there, with the names that are held at `now`. */
  contents(now: number): StoreContents;
  /** Puts these in the place of all that is there. Names that are free at `now` are left out. */
  replaceContents(contents: StoreContents, now: number): void;
}
