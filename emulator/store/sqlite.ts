import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Queue, Task } from '../core/model.ts';
import { MemoryStore } from './memory.ts';
import { dataFileError, DataFileError, openDatabase, storeFault } from './sqlite-file.ts';
import type { Claim, NameRelease, StoreContents, TaskStore } from './store.ts';
import { progressToText, queueFromText, taskFromText, taskToText } from './task-text.ts';

/** Names that are free again are taken out of the file now and then. */
const HELD_NAMES_BETWEEN_SWEEPS = 1000;

/**
 * Keeps everything in memory and writes each change to a file before it is done: after a crash, SIGKILL included, the file holds all
 * that was acknowledged. It is read once, when it is opened. (SQLite in WAL mode with `synchronous = NORMAL`: a change survives the
 * end of the process; the last ones before a loss of power may be missing, and what is left is consistent.)
 */
export class SqliteStore implements TaskStore, Disposable {
  readonly #file: string;
  readonly #memory = new MemoryStore();
  readonly #database: DatabaseSync;
  readonly #statements: Statements;
  #lastOrder = 0;
  #heldCount = 0;

  /**
   * @param now names that are free by now are forgotten
   * @throws DataFileError where the file is none of ours, of a newer version, damaged, or in use
   */
  constructor(file: string, now: number) {
    this.#file = file;
    this.#database = openDatabase(file);
    try {
      this.#statements = Object.fromEntries(
        Object.entries(SQL).map(([name, text]) => [name, this.#database.prepare(text)]),
      ) as Statements;
      this.#load(now);
    } catch (error) {
      // A store that was refused must not keep others from the file.
      this.close();
      throw dataFileError(file, error);
    }
  }

  /** What the emulator keeps beside its tasks, such as its key; undefined if there is nothing of that name. */
  readText(name: string): string | undefined {
    return this.#statements.readText.get(name)?.['value'] as string | undefined;
  }

  writeText(name: string, value: string): void {
    this.#write(() => this.#statements.writeText.run(name, value));
  }

  /** Lets go of the file. */
  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  listQueues(): readonly Queue[] {
    return this.#memory.listQueues();
  }

  putQueue(queue: Queue): void {
    this.#write(() => this.#statements.putQueue.run(queue.name, JSON.stringify(queue)));
    this.#memory.putQueue(queue);
  }

  deleteQueue(name: string, release: NameRelease): readonly string[] {
    this.#atOnce(() => {
      for (const task of this.#tasksOf(name)) this.#deleteRows(task.name);
      this.#statements.forgetTaskNames.run(`${name}/tasks/`, `${name}/tasks0`);
      this.#statements.deleteQueue.run(name);
      if (release.nameFreeAt > release.at) this.#statements.holdQueueName.run(name, release.nameFreeAt);
    });
    return this.#memory.deleteQueue(name, release);
  }

  isQueueNameHeld(name: string, now: number): boolean {
    return this.#memory.isQueueNameHeld(name, now);
  }

  insertTask(task: Task): void {
    const position = this.#lastOrder + 1;
    this.#write(() => this.#insertRow(position, task));
    this.#lastOrder = position;
    this.#memory.insertTask(task, position);
  }

  getTask(name: string): Task | undefined {
    return this.#memory.getTask(name);
  }

  countTasks(queueName: string): number {
    return this.#memory.countTasks(queueName);
  }

  listTasks(...args: Parameters<TaskStore['listTasks']>): ReturnType<TaskStore['listTasks']> {
    return this.#memory.listTasks(...args);
  }

  deleteTask(name: string, release: NameRelease): void {
    if (this.#memory.getTask(name) === undefined) return;
    this.#atOnce(() => {
      this.#deleteRows(name);
      this.#holdTaskName(name, release);
    });
    this.#memory.deleteTask(name, release);
  }

  purgeTasks(queueName: string, release: NameRelease): readonly string[] {
    this.#atOnce(() => {
      for (const { name } of this.#tasksOf(queueName)) {
        this.#deleteRows(name);
        this.#holdTaskName(name, release);
      }
    });
    return this.#memory.purgeTasks(queueName, release);
  }

  isTaskNameHeld(name: string, now: number): boolean {
    return this.#memory.isTaskNameHeld(name, now);
  }

  nextDueAt(queueName: string): number | undefined {
    return this.#memory.nextDueAt(queueName);
  }

  claimDue(queueName: string, now: number, begin: (task: Task) => Task): Claim | undefined {
    return this.#memory.claimDue(queueName, now, this.#written(begin));
  }

  claimTask(name: string, begin: (task: Task) => Task): Claim | undefined {
    return this.#memory.claimTask(name, this.#written(begin));
  }

  rescheduleTask(task: Task): void {
    // What a lease has claimed waits as it was written then.
    if (this.#memory.getTask(task.name) !== task) this.#update(task);
    this.#memory.rescheduleTask(task);
  }

  recordLateResponse(task: Task): void {
    this.#update(task);
    this.#memory.recordLateResponse(task);
  }

  /** Nothing to write: a task that was in flight when the file was last left is read as one that waits. */
  releaseClaims(): void {
    this.#memory.releaseClaims();
  }

  contents(now: number): StoreContents {
    return this.#memory.contents(now);
  }

  replaceContents(contents: StoreContents, now: number): void {
    this.#atOnce(() => {
      const { queues, tasks, heldQueueNames, heldTaskNames } = contents;
      this.#database.exec(CLEAR);
      for (const queue of queues) this.#statements.putQueue.run(queue.name, JSON.stringify(queue));
      tasks.forEach((task, index) => this.#insertRow(index + 1, task));
      for (const { name, freeAt } of heldQueueNames) this.#statements.holdQueueName.run(name, freeAt);
      for (const { name, freeAt } of heldTaskNames) this.#statements.holdTaskName.run(freeAt, name);
    });
    this.#lastOrder = contents.tasks.length;
    this.#memory.replaceContents(contents, now);
  }

  /** A claim whose task is written before the claim is made. */
  #written(begin: (task: Task) => Task): (task: Task) => Task {
    return (before) => {
      const task = begin(before);
      this.#update(task);
      return task;
    };
  }

  #update(task: Task): void {
    const position = this.#memory.orderOf(task.name);
    if (position === undefined) return;
    this.#write(() => this.#statements.putProgress.run(position, progressToText(task)));
  }

  #tasksOf(queueName: string): readonly Task[] {
    return this.#memory.listTasks(queueName, { start: 0, limit: Number.POSITIVE_INFINITY }).tasks;
  }

  #insertRow(position: number, task: Task): void {
    this.#statements.insertTask.run(position, taskToText(task), task.target.body);
  }

  #deleteRows(taskName: string): void {
    const position = this.#memory.orderOf(taskName) ?? 0;
    this.#statements.deleteTask.run(position);
    this.#statements.deleteProgress.run(position);
  }

  #holdTaskName(name: string, { at, nameFreeAt }: NameRelease): void {
    if (nameFreeAt <= at) return;
    this.#statements.holdTaskName.run(nameFreeAt, name);
    this.#heldCount += 1;
    if (this.#heldCount % HELD_NAMES_BETWEEN_SWEEPS === 0) this.#statements.dropFreeTaskNames.run(at);
  }

  #load(now: number): void {
    this.#write(() => {
      this.#statements.dropFreeTaskNames.run(now);
      this.#statements.dropFreeQueueNames.run(now);
    });
    try {
      for (const row of this.#statements.allQueues.iterate()) {
        this.#memory.putQueue(queueFromText(row['value'] as string));
      }
      for (const row of this.#statements.allTasks.iterate()) {
        const task = taskFromText(
          row['task'] as string,
          row['body'] as Uint8Array,
          row['progress'] as string | null,
        );
        this.#lastOrder = row['position'] as number;
        this.#memory.insertTask(task, this.#lastOrder);
      }
    } catch (cause) {
      throw new DataFileError(
        `${this.#file} holds a record that cannot be read. Move it away to begin anew.`,
        {
          cause,
        },
      );
    }
    for (const row of this.#statements.allQueueNames.iterate()) {
      this.#memory.holdQueueName(row['name'] as string, releaseOf(row, now));
    }
    for (const row of this.#statements.allTaskNames.iterate()) {
      this.#memory.holdTaskName(row['name'] as string, releaseOf(row, now));
    }
  }

  /** All of the changes or, where one fails, none. */
  #atOnce(changes: () => void): void {
    this.#write(() => {
      this.#statements.begin.run();
      try {
        changes();
        this.#statements.commit.run();
      } catch (error) {
        if (this.#database.isTransaction) this.#statements.rollback.run();
        throw error;
      }
    });
  }

  /** @throws StoreFault where the file cannot be written now */
  #write(change: () => void): void {
    try {
      change();
    } catch (error) {
      throw storeFault(this.#file, error) ?? error;
    }
  }
}

function releaseOf(row: Record<string, unknown>, now: number): NameRelease {
  return { at: now, nameFreeAt: row['free_at'] as number };
}

type Statements = Record<keyof typeof SQL, StatementSync>;

/** Empties all but what the emulator keeps beside its tasks. */
const CLEAR = ['queues', 'queue_names', 'tasks', 'progress', 'task_names']
  .map((table) => `DELETE FROM ${table};`)
  .join(' ');

const SQL = {
  begin: 'BEGIN',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  readText: 'SELECT value FROM texts WHERE name = ?',
  writeText: 'INSERT INTO texts VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  putQueue: 'INSERT INTO queues VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  deleteQueue: 'DELETE FROM queues WHERE name = ?',
  allQueues: 'SELECT value FROM queues',
  holdQueueName: 'INSERT INTO queue_names VALUES (?, ?) ON CONFLICT DO UPDATE SET free_at = excluded.free_at',
  dropFreeQueueNames: 'DELETE FROM queue_names WHERE free_at <= ?',
  allQueueNames: 'SELECT name, free_at FROM queue_names',
  insertTask: 'INSERT INTO tasks VALUES (?, ?, ?)',
  putProgress: 'INSERT INTO progress VALUES (?, ?) ON CONFLICT DO UPDATE SET progress = excluded.progress',
  deleteTask: 'DELETE FROM tasks WHERE position = ?',
  deleteProgress: 'DELETE FROM progress WHERE position = ?',
  allTasks:
    'SELECT position, task, body, progress FROM tasks LEFT JOIN progress USING (position) ORDER BY position',
  holdTaskName: 'INSERT OR REPLACE INTO task_names VALUES (?, ?)',
  forgetTaskNames: 'DELETE FROM task_names WHERE name >= ? AND name < ?',
  dropFreeTaskNames: 'DELETE FROM task_names WHERE free_at <= ?',
  allTaskNames: 'SELECT name, free_at FROM task_names',
} as const;
