import { DueHeap } from '../core/due-heap.ts';
import type { DueItem } from '../core/due-heap.ts';
import type { Queue, Task } from '../core/model.ts';
import { queueOfTask } from '../core/names.ts';
import { CreationList } from './creation-list.ts';
import { HeldNames } from './held-names.ts';
import type { Claim, NameRelease, StoreContents, TaskPage, TaskStore } from './store.ts';

/** A task and its place: it is waiting while it stands in its shelf's heap, else in flight. `order` is the order of creation. */
interface Entry extends DueItem {
  task: Task;
  isGone: boolean;
}

/** All that belongs to one queue. */
interface Shelf {
  queue: Queue;
  readonly tasks: Map<string, Entry>;
  readonly waiting: DueHeap<Entry>;
  readonly created: CreationList<Entry>;
  readonly heldNames: HeldNames;
}

/** Keeps everything in memory. Inserting, claiming and deleting a task cost log n; nothing grows with what has passed. */
export class MemoryStore implements TaskStore {
  #shelves = new Map<string, Shelf>();
  #heldQueueNames = new HeldNames();
  #lastOrder = 0;

  listQueues(): readonly Queue[] {
    const queues = Array.from(this.#shelves.values(), (shelf) => shelf.queue);
    return queues.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  putQueue(queue: Queue): void {
    const shelf = this.#shelves.get(queue.name);
    if (shelf !== undefined) {
      shelf.queue = queue;
      return;
    }
    this.#shelves.set(queue.name, {
      queue,
      tasks: new Map(),
      waiting: new DueHeap(),
      created: new CreationList(),
      heldNames: new HeldNames(),
    });
  }

  deleteQueue(name: string, release: NameRelease): readonly string[] {
    const taskNames = [...this.#shelf(name).tasks.keys()];
    this.#shelves.delete(name);
    this.#heldQueueNames.hold(name, release);
    return taskNames;
  }

  /** Holds the name of a queue that is gone. */
  holdQueueName(name: string, release: NameRelease): void {
    this.#heldQueueNames.hold(name, release);
  }

  isQueueNameHeld(name: string, now: number): boolean {
    return this.#heldQueueNames.has(name, now);
  }

  /** @param order Its place in the order of creation; behind every other unless given. */
  insertTask(task: Task, order: number = this.#lastOrder + 1): void {
    const shelf = this.#shelfOfTask(task.name);
    this.#lastOrder = order;
    const entry: Entry = {
      task,
      isGone: false,
      order,
      dueAt: task.scheduleAt,
      heapIndex: -1,
    };
    shelf.tasks.set(task.name, entry);
    shelf.created.push(entry);
    shelf.waiting.set(entry, task.scheduleAt);
  }

  getTask(name: string): Task | undefined {
    return this.#entry(name)?.task;
  }

  /** The task's place in the order of creation; undefined if there is no such task. */
  orderOf(name: string): number | undefined {
    return this.#entry(name)?.order;
  }

  countTasks(queueName: string): number {
    return this.#shelf(queueName).tasks.size;
  }

  listTasks(
    queueName: string,
    { start, limit }: { readonly start: number; readonly limit: number },
  ): TaskPage {
    const entries = this.#shelf(queueName).created.from(start, limit + 1);
    const beyond = entries[limit];
    return {
      tasks: entries.slice(0, limit).map((entry) => entry.task),
      ...(beyond !== undefined && { next: beyond.order }),
    };
  }

  deleteTask(name: string, release: NameRelease): void {
    const entry = this.#entry(name);
    if (entry !== undefined) this.#remove(this.#shelfOfTask(name), entry, release);
  }

  purgeTasks(queueName: string, release: NameRelease): readonly string[] {
    const shelf = this.#shelf(queueName);
    const names = [...shelf.tasks.keys()];
    for (const entry of shelf.tasks.values()) this.#remove(shelf, entry, release);
    return names;
  }

  /** Holds the name of a task that is gone; its queue must be there. */
  holdTaskName(name: string, release: NameRelease): void {
    this.#shelfOfTask(name).heldNames.hold(name, release);
  }

  isTaskNameHeld(name: string, now: number): boolean {
    return this.#shelves.get(queueOfTask(name))?.heldNames.has(name, now) ?? false;
  }

  nextDueAt(queueName: string): number | undefined {
    return this.#shelf(queueName).waiting.peek()?.dueAt;
  }

  claimDue(queueName: string, now: number, begin: (task: Task) => Task): Claim | undefined {
    const { waiting } = this.#shelf(queueName);
    const entry = waiting.peek();
    if (entry === undefined || entry.dueAt > now) return undefined;
    return this.#claim(waiting, entry, begin);
  }

  claimTask(name: string, begin: (task: Task) => Task): Claim | undefined {
    const entry = this.#entry(name);
    return entry && this.#claim(this.#shelfOfTask(name).waiting, entry, begin);
  }

  rescheduleTask(task: Task): void {
    const entry = this.#entry(task.name);
    if (entry === undefined) return;
    entry.task = task;
    this.#shelfOfTask(task.name).waiting.set(entry, task.scheduleAt);
  }

  recordLateResponse(task: Task): void {
    const entry = this.#entry(task.name);
    if (entry !== undefined) entry.task = task;
  }

  releaseClaims(): void {
    for (const shelf of this.#shelves.values()) {
      for (const entry of shelf.tasks.values()) shelf.waiting.set(entry, entry.task.scheduleAt);
    }
  }

  contents(now: number): StoreContents {
    const shelves = [...this.#shelves.values()];
    return {
      queues: this.listQueues(),
      tasks: shelves
        .flatMap((shelf) => [...shelf.tasks.values()])
        .toSorted((a, b) => a.order - b.order)
        .map(({ task }) => task),
      heldQueueNames: this.#heldQueueNames.list(now),
      heldTaskNames: shelves.flatMap((shelf) => shelf.heldNames.list(now)),
    };
  }

  replaceContents({ queues, tasks, heldQueueNames, heldTaskNames }: StoreContents, now: number): void {
    const next = new MemoryStore();
    for (const queue of queues) next.putQueue(queue);
    for (const task of tasks) next.insertTask(task);
    for (const { name, freeAt } of heldQueueNames) next.holdQueueName(name, { at: now, nameFreeAt: freeAt });
    for (const { name, freeAt } of heldTaskNames) next.holdTaskName(name, { at: now, nameFreeAt: freeAt });
    this.#shelves = next.#shelves;
    this.#heldQueueNames = next.#heldQueueNames;
    this.#lastOrder = next.#lastOrder;
  }

  #claim(waiting: DueHeap<Entry>, entry: Entry, begin: (task: Task) => Task): Claim {
    const before = entry.task;
    const task = begin(before);
    entry.task = task;
    waiting.remove(entry);
    return { before, task };
  }

  #remove(shelf: Shelf, entry: Entry, release: NameRelease): void {
    entry.isGone = true;
    shelf.tasks.delete(entry.task.name);
    shelf.waiting.remove(entry);
    shelf.created.noteGone();
    shelf.heldNames.hold(entry.task.name, release);
  }

  #entry(taskName: string): Entry | undefined {
    return this.#shelves.get(queueOfTask(taskName))?.tasks.get(taskName);
  }

  #shelfOfTask(taskName: string): Shelf {
    return this.#shelf(queueOfTask(taskName));
  }

  #shelf(queueName: string): Shelf {
    const shelf = this.#shelves.get(queueName);
    if (shelf === undefined) throw new Error(`The store has no queue ${queueName}.`);
    return shelf;
  }
}
