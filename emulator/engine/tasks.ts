import { ApiError } from '../core/errors.ts';
import { entityNotFound, invalidArgument, queueNotFound } from '../core/faults.ts';
import type { TaskInput } from '../core/input.ts';
import type { Queue, Task } from '../core/model.ts';
import { bufferUrl } from '../core/http-target.ts';
import { formatTaskName, parseQueueName, parseTaskName } from '../core/names.ts';
import { checkTaskName, MAX_TASK_BYTES, newTask } from '../core/task-rules.ts';
import type { NameRelease, TaskStore } from '../store/store.ts';
import { countFitting } from './answer-size.ts';
import type { Clock } from './clock.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { EngineListener, TaskDeletedReason } from './events.ts';
import { makePageToken, pageSizeOf, readPageToken } from './page-token.ts';
import type { PageRequest } from './page-token.ts';
import type { Production } from './production.ts';
import { randomDigits } from './random.ts';
import type { Random } from './random.ts';

const MAX_PAGE_SIZE = 1000;
const GENERATED_ID_DIGITS = 20;

export interface TaskOperationsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: TaskStore;
  readonly dispatcher: Dispatcher;
  readonly emit: EngineListener;
  readonly production: Production;
  /** Bytes of a task in the service's own storage form. */
  readonly sizeOf: (task: Task) => number;
  /** The release of a task's name that is given up at `now`. */
  readonly releaseAt: (now: number, queue: Queue | undefined) => NameRelease;
  /** What is answered where a new task's queue is missing. */
  readonly missingQueue: () => ApiError;
  /** Makes the queue that a new task is to be in; without it the task is refused. */
  readonly makeQueue?: ((name: string) => Queue) | undefined;
}

export interface BufferedBody {
  readonly taskId?: string | undefined;
  readonly contentType?: string | undefined;
  readonly body: Uint8Array;
}

/** The operations on tasks. Each throws `ApiError` in the service's own words. */
export class TaskOperations {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #store: TaskStore;
  readonly #dispatcher: Dispatcher;
  readonly #emit: EngineListener;
  readonly #production: Production;
  readonly #sizeOf: TaskOperationsOptions['sizeOf'];
  readonly #releaseAt: TaskOperationsOptions['releaseAt'];
  readonly #missingQueue: TaskOperationsOptions['missingQueue'];
  readonly #makeQueue: TaskOperationsOptions['makeQueue'];

  constructor(options: TaskOperationsOptions) {
    const { clock, random, store, dispatcher, emit, production, sizeOf, releaseAt } = options;
    const { missingQueue, makeQueue } = options;
    this.#missingQueue = missingQueue;
    this.#makeQueue = makeQueue;
    this.#clock = clock;
    this.#random = random;
    this.#store = store;
    this.#dispatcher = dispatcher;
    this.#emit = emit;
    this.#production = production;
    this.#sizeOf = sizeOf;
    this.#releaseAt = releaseAt;
  }

  create(parent: string, input: TaskInput): Task {
    parseQueueName(parent);
    if (input.name !== undefined) checkTaskName(input.name, parent);
    const now = this.#clock.now();
    const task = newTask(input.name ?? this.#freeName(parent), input, now);
    if (this.#sizeOf(task) > MAX_TASK_BYTES) throw invalidArgument('Task size too large');
    const queue = this.#dispatcher.queue(parent) ?? this.#makeQueue?.(parent);
    if (queue === undefined) throw this.#missingQueue();
    checkKind(task, queue);
    if (this.#store.getTask(task.name) !== undefined || this.#store.isTaskNameHeld(task.name, now)) {
      throw new ApiError('ALREADY_EXISTS', 'Requested entity already exists');
    }
    this.#production.checkTask(task, input.name !== undefined, now);
    this.#store.insertTask(task);
    this.#emit({ kind: 'taskCreated', at: now, task });
    this.#dispatcher.tasksChanged(parent);
    return task;
  }

  /**
   * Creates a task out of its body alone; all else comes from the HTTP target of its queue.
   *
   * @param taskId The service makes one up if there is none.
   * @param contentType Of the body; `application/json` if it is not said.
   */
  buffer(parent: string, { taskId, contentType, body }: BufferedBody): Task {
    parseQueueName(parent);
    const queue = this.#dispatcher.queue(parent);
    if (queue === undefined) throw queueNotFound();
    return this.create(parent, {
      ...(taskId !== undefined && { name: formatTaskName(parent, taskId) }),
      target: {
        kind: 'http',
        url: bufferUrl(queue.httpTarget),
        headers: { 'Content-Type': contentType ?? 'application/json' },
        body,
      },
    });
  }

  get(name: string): Task {
    const { queue } = parseTaskName(name);
    const task = this.#store.getTask(name);
    if (task !== undefined) return task;
    if (this.#dispatcher.queue(queue) === undefined) throw queueNotFound();
    if (!this.#store.isTaskNameHeld(name, this.#clock.now())) throw entityNotFound();
    throw new ApiError(
      'NOT_FOUND',
      'The task no longer exists, though a task with this name existed recently. ' +
        'The task either successfully completed or was deleted.',
    );
  }

  /** In the order of creation, at most 1,000 a page, and fewer where they are large. */
  list(parent: string, page: PageRequest = {}): { tasks: readonly Task[]; nextPageToken?: string } {
    const { location } = parseQueueName(parent);
    if (this.#dispatcher.queue(parent) === undefined) throw queueNotFound();
    const now = this.#clock.now();
    this.#production.checkRate('list', location, now);
    const limit = pageSizeOf(page, MAX_PAGE_SIZE);
    const list = `${parent}/tasks/`;
    const start = readPageToken(page.pageToken, list, isNumber, now) ?? 0;
    const found = this.#store.listTasks(parent, { start, limit });
    const fitting = countFitting(found.tasks);
    const isWhole = fitting === found.tasks.length;
    const { tasks, next } = isWhole ? found : this.#store.listTasks(parent, { start, limit: fitting });
    return { tasks, ...(next !== undefined && { nextPageToken: makePageToken({ list, start: next }, now) }) };
  }

  /** Every task of the queue, in the order of creation; none of a queue that is missing. */
  all(queue: string): readonly Task[] {
    if (this.#dispatcher.queue(queue) === undefined) return [];
    return this.#store.listTasks(queue, { start: 0, limit: Number.POSITIVE_INFINITY }).tasks;
  }

  delete(name: string, reason: TaskDeletedReason = 'deleted'): void {
    const { queue } = parseTaskName(name);
    if (this.#store.getTask(name) === undefined) throw entityNotFound();
    const now = this.#clock.now();
    this.#store.deleteTask(name, this.#releaseAt(now, this.#dispatcher.queue(queue)));
    this.#dispatcher.taskGone(name);
    this.#emit({ kind: 'taskDeleted', at: now, taskName: name, reason });
    this.#dispatcher.tasksChanged(queue);
  }

  /** Dispatches the task now, whatever its schedule and its queue say. Returns it with the attempt under way. */
  run(name: string): Task {
    const { queue } = parseTaskName(name);
    this.#production.checkRate('runTask', parseQueueName(queue).location, this.#clock.now());
    if (this.#store.getTask(name)?.target.kind === 'pull') {
      throw new ApiError('FAILED_PRECONDITION', 'RunTask cannot be called on a pull task.');
    }
    const task = this.#dispatcher.runNow(name);
    if (task === undefined) throw entityNotFound();
    return task;
  }

  #freeName(queue: string): string {
    const name = formatTaskName(queue, randomDigits(this.#random, GENERATED_ID_DIGITS));
    const isTaken =
      this.#store.getTask(name) !== undefined || this.#store.isTaskNameHeld(name, this.#clock.now());
    return isTaken ? this.#freeName(queue) : name;
  }
}

/** A pull queue holds pull tasks only, and no other queue does. */
function checkKind(task: Task, queue: Queue): void {
  const isPullTask = task.target.kind === 'pull';
  if (isPullTask === (queue.isPull ?? false)) return;
  throw invalidArgument(
    isPullTask
      ? 'A pull message can be added to a pull queue only.'
      : 'A pull queue takes pull messages only; set Task.pull_message.',
  );
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}
