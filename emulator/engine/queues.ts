import { ApiError } from '../core/errors.ts';
import { entityNotFound, invalidArgument, queueNotFound } from '../core/faults.ts';
import type { QueueInput } from '../core/input.ts';
import type { IamPolicy, Queue, QueueState } from '../core/model.ts';
import { checkLocationName, parseQueueName } from '../core/names.ts';
import { queuesAfterUpload } from '../core/queue-file.ts';
import type { QueueFile } from '../core/queue-file.ts';
import { newQueue, updatedQueue } from '../core/queue-rules.ts';
import type { NameRelease, TaskStore } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Load } from './lane.ts';
import type { EngineListener } from './events.ts';
import { makePageToken, pageSizeOf, readPageToken, type PageRequest } from './page-token.ts';
import type { Production } from './production.ts';

const MAX_PAGE_SIZE = 9800;

export interface QueueStats extends Load {
  /** Those that wait and those that are being delivered. */
  readonly taskCount: number;
  /** When the first of those that wait falls due, or fell due; undefined if none waits. */
  readonly nextDueAt: number | undefined;
}

/** Which queues a list holds. */
export interface QueueFilter {
  readonly text: string;
  readonly matches: (queue: Queue) => boolean;
}

const EVERY_QUEUE: QueueFilter = { text: '', matches: () => true };

export interface QueueOperationsOptions {
  readonly clock: Clock;
  readonly store: TaskStore;
  readonly dispatcher: Dispatcher;
  readonly emit: EngineListener;
  readonly production: Production;
  /** The release of a queue's name that is given up at `now`. */
  readonly releaseAt: (now: number) => NameRelease;
  readonly releaseTaskNameAt: (now: number, queue: Queue | undefined) => NameRelease;
}

/** The operations on queues. Each throws `ApiError` in the service's own words. */
export class QueueOperations {
  readonly #clock: Clock;
  readonly #store: TaskStore;
  readonly #dispatcher: Dispatcher;
  readonly #emit: EngineListener;
  readonly #production: Production;
  readonly #releaseAt: QueueOperationsOptions['releaseAt'];
  readonly #releaseTaskNameAt: QueueOperationsOptions['releaseTaskNameAt'];

  constructor(options: QueueOperationsOptions) {
    const { clock, store, dispatcher, emit, production, releaseAt, releaseTaskNameAt } = options;
    this.#clock = clock;
    this.#store = store;
    this.#dispatcher = dispatcher;
    this.#emit = emit;
    this.#production = production;
    this.#releaseAt = releaseAt;
    this.#releaseTaskNameAt = releaseTaskNameAt;
  }

  create(parent: string, input: QueueInput): Queue {
    checkLocationName(parent);
    const name = input.name ?? '';
    if (parseQueueName(name).location !== parent) throw invalidArgument(`${name} must begin with ${parent}.`);
    if (this.#dispatcher.queue(name) !== undefined)
      throw new ApiError('ALREADY_EXISTS', 'Queue already exists');
    return this.#addNew(name, input);
  }

  get(name: string): Queue {
    parseQueueName(name);
    const queue = this.#dispatcher.queue(name);
    if (queue === undefined) throw queueNotFound();
    return queue;
  }

  /** Every queue, of all locations, in the order of names. */
  all(): readonly Queue[] {
    return this.#store.listQueues();
  }

  /** The queue, if there is one. */
  find(name: string): Queue | undefined {
    parseQueueName(name);
    return this.#dispatcher.queue(name);
  }

  /** What the queue holds and does. */
  stats(name: string): QueueStats {
    const load = this.#dispatcher.load(name);
    if (load === undefined) throw queueNotFound();
    return { ...load, taskCount: this.#store.countTasks(name), nextDueAt: this.#store.nextDueAt(name) };
  }

  /** In the order of names, at most 9,800 a page; with a filter, only the queues that it lets through. */
  list(
    parent: string,
    page: PageRequest = {},
    filter: QueueFilter = EVERY_QUEUE,
  ): { queues: readonly Queue[]; nextPageToken?: string } {
    checkLocationName(parent);
    const now = this.#clock.now();
    this.#production.checkRate('list', parent, now);
    const size = pageSizeOf(page, MAX_PAGE_SIZE);
    const list = `${parent}/queues/`;
    // A token goes on with the filter that it was made with.
    const filtered = `${list}?${filter.text}`;
    const after = readPageToken(page.pageToken, filtered, isString, now) ?? '';
    const found = this.#store
      .listQueues()
      .filter((queue) => queue.name.startsWith(list) && queue.name > after && filter.matches(queue));
    const queues = found.slice(0, size);
    const last = queues.at(-1);
    return {
      queues,
      ...(last !== undefined &&
        found.length > size && { nextPageToken: makePageToken({ list: filtered, start: last.name }, now) }),
    };
  }

  /** A queue that is to be there from the start. One that is there already stays as it is; nobody who had the name before can hold it. */
  declare(input: QueueInput, state: QueueState = 'RUNNING'): void {
    const name = input.name ?? '';
    parseQueueName(name);
    if (this.#dispatcher.queue(name) !== undefined) return;
    this.#begin({ ...newQueue(name, input), state });
  }

  /** Gives a queue all of these settings, and a state if one is given. */
  redeclare(input: QueueInput, state?: QueueState): void {
    const { state: before, name } = this.update(input);
    if (state !== undefined && state !== before) this.#setState(name, state);
  }

  /** Updates the masked fields, all if there is no mask; creates the queue if it is missing. */
  update(input: QueueInput, maskPaths: readonly string[] = []): Queue {
    const name = input.name ?? '';
    parseQueueName(name);
    const current = this.#dispatcher.queue(name);
    if (current === undefined) return this.#addNew(name, input);
    return this.#replace(updatedQueue(current, input, maskPaths));
  }

  /**
   * Makes the queues of a location what a `queue.yaml` says, and disables those that it leaves out. Nothing changes if any of it is
   * refused; if the process dies meanwhile, the same file once more ends it.
   */
  upload(location: string, file: QueueFile): void {
    checkLocationName(location);
    const queues = queuesAfterUpload(location, this.#queuesOf(location), file);
    const isNew = ({ name }: Queue): boolean => this.#dispatcher.queue(name) === undefined;
    for (const queue of queues.filter(isNew)) this.#checkNameIsFree(queue.name);
    for (const queue of queues) {
      if (isNew(queue)) this.#take(queue);
      else this.#replace(queue);
    }
  }

  /** Makes a queue with the settings that all have because a task is created in it, which the service would refuse. */
  createForTask(name: string): Queue {
    this.#checkNameIsFree(name);
    this.#production.queueMadeForTask(name);
    return this.#begin(newQueue(name, {}));
  }

  delete(name: string): void {
    parseQueueName(name);
    const queue = this.#dispatcher.queue(name);
    if (queue === undefined) throw entityNotFound();
    this.#remove(queue, this.#releaseAt(this.#clock.now()));
  }

  /** Deletes every queue. Their names, and those of their tasks, are free at once. */
  forgetAll(): void {
    const now = this.#clock.now();
    for (const queue of this.#store.listQueues()) this.#remove(queue, { at: now, nameFreeAt: now });
    this.#production.forgetAll();
  }

  /** Stops dispatching. Attempts that are out go on, and tasks may still be created. */
  pause(name: string): Queue {
    const queue = this.#setState(name, 'PAUSED');
    this.#emit({ kind: 'queuePaused', at: this.#clock.now(), queue });
    return queue;
  }

  resume(name: string): Queue {
    const queue = this.#setState(name, 'RUNNING');
    this.#emit({ kind: 'queueResumed', at: this.#clock.now(), queue });
    return queue;
  }

  /** Deletes every task that was created before now. */
  purge(name: string): Queue {
    const now = this.#clock.now();
    const queue = { ...this.get(name), purgeAt: now };
    const taskNames = this.#store.purgeTasks(name, this.#releaseTaskNameAt(now, queue));
    this.#put(queue);
    for (const taskName of taskNames) {
      this.#dispatcher.taskGone(taskName);
      this.#emit({ kind: 'taskDeleted', at: now, taskName, reason: 'purged' });
    }
    this.#emit({ kind: 'queuePurged', at: now, queue, taskCount: taskNames.length });
    return queue;
  }

  /** Replaces the queue's policy, as `change` makes it of the one that it has. */
  setPolicy(name: string, change: (current: IamPolicy | undefined) => IamPolicy): IamPolicy {
    const queue = this.get(name);
    const iamPolicy = change(queue.iamPolicy);
    this.#put({ ...queue, iamPolicy });
    return iamPolicy;
  }

  #checkNameIsFree(name: string): void {
    if (!this.#store.isQueueNameHeld(name, this.#clock.now())) return;
    throw new ApiError(
      'FAILED_PRECONDITION',
      'The queue cannot be created because a queue with this name existed too recently.',
    );
  }

  #addNew(name: string, input: QueueInput): Queue {
    this.#checkNameIsFree(name);
    const { location } = parseQueueName(name);
    this.#production.checkQueueCount(location, () => this.#queuesOf(location).length);
    return this.#add(name, input);
  }

  #queuesOf(location: string): readonly Queue[] {
    return this.#store.listQueues().filter(({ name }) => name.startsWith(`${location}/queues/`));
  }

  #add(name: string, input: QueueInput): Queue {
    return this.#take(newQueue(name, input));
  }

  #take(queue: Queue): Queue {
    this.#production.queueCreated(queue, this.#clock.now());
    return this.#begin(queue);
  }

  #begin(queue: Queue): Queue {
    this.#put(queue);
    this.#emit({ kind: 'queueCreated', at: this.#clock.now(), queue });
    return queue;
  }

  #replace(queue: Queue): Queue {
    this.#put(queue);
    this.#emit({ kind: 'queueUpdated', at: this.#clock.now(), queue });
    return queue;
  }

  #remove(queue: Queue, release: NameRelease): void {
    const { at } = release;
    const taskNames = this.#store.deleteQueue(queue.name, release);
    this.#dispatcher.deleteQueue(queue.name);
    this.#production.queueDeleted(queue.name, at);
    for (const taskName of taskNames) {
      this.#dispatcher.taskGone(taskName);
      this.#emit({ kind: 'taskDeleted', at, taskName, reason: 'queueDeleted' });
    }
    this.#emit({ kind: 'queueDeleted', at, queue });
  }

  #setState(name: string, state: QueueState): Queue {
    const queue = { ...this.get(name), state };
    this.#put(queue);
    return queue;
  }

  #put(queue: Queue): void {
    this.#store.putQueue(queue);
    this.#dispatcher.putQueue(queue);
  }
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}
