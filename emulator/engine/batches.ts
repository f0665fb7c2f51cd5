import { ApiError } from '../core/errors.ts';
import { invalidArgument, invalidField } from '../core/faults.ts';
import type { TaskInput } from '../core/input.ts';
import type { Task } from '../core/model.ts';
import { parseQueueName } from '../core/names.ts';
import type { Clock } from './clock.ts';
import { randomDigits } from './random.ts';
import type { Random } from './random.ts';
import type { TaskOperations } from './tasks.ts';

const MAX_CREATED = 100;
const MAX_DELETED = 1000;
const ID_DIGITS = 20;
/** The oldest are forgotten past this many. */
const MAX_KEPT = 1000;

/** What came of a batch. Each of its requests succeeded or failed by itself. */
export interface Batch {
  /** `projects/P/locations/L/operations/ID`. */
  readonly name: string;
  readonly kind: 'create' | 'delete';
  readonly startAt: number;
  readonly endAt: number;
  /** The tasks that were created, in the order of their requests; without their bodies, of which all that are remembered would take gigabytes. */
  readonly tasks: readonly Task[];
  /** By the index of its request. */
  readonly failures: ReadonlyMap<number, ApiError>;
  readonly state: 'SUCCEEDED' | 'PARTIALLY_SUCCEEDED' | 'FAILED';
}

export interface BatchItem {
  readonly parent: string;
  readonly task: TaskInput;
}

export interface BatchOperationsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly tasks: TaskOperations;
}

/**
 * Many tasks created or deleted in one request. The work is done when the answer is given. Batches with a request id are remembered, in
 * memory, so that the same request once more does nothing again.
 */
export class BatchOperations {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #tasks: TaskOperations;
  readonly #byRequest = new Map<string, Batch>();

  constructor({ clock, random, tasks }: BatchOperationsOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#tasks = tasks;
  }

  forgetAll(): void {
    this.#byRequest.clear();
  }

  /** At most 100. The same `requestId` once more gives the first one's outcome and creates nothing. */
  create(parent: string, items: readonly BatchItem[], requestId: string): Batch {
    checkCount(items, MAX_CREATED, 'requests');
    return this.#once('create', parent, requestId, items, ({ parent: itemParent, task }) => {
      if (itemParent !== '' && itemParent !== parent) {
        throw invalidArgument(
          `The parent '${itemParent}' must be the same as that of the batch ('${parent}').`,
        );
      }
      return this.#tasks.create(parent, task);
    });
  }

  /** At most 1,000. */
  delete(parent: string, names: readonly string[], requestId: string): Batch {
    checkCount(names, MAX_DELETED, 'names');
    return this.#once('delete', parent, requestId, names, (name) => {
      if (!name.startsWith(`${parent}/tasks/`)) throw invalidArgument(`${name} must begin with ${parent}.`);
      this.#tasks.delete(name);
      return undefined;
    });
  }

  #once<Item>(
    kind: Batch['kind'],
    parent: string,
    requestId: string,
    items: readonly Item[],
    run: (item: Item) => Task | undefined,
  ): Batch {
    const { location } = parseQueueName(parent);
    const key = JSON.stringify([kind, parent, requestId]);
    const known = this.#byRequest.get(key);
    if (known !== undefined && requestId !== '') return known;
    const name = `${location}/operations/${randomDigits(this.#random, ID_DIGITS)}`;
    const batch = { name, kind, ...this.#run(items, run) };
    if (requestId !== '') this.#byRequest.set(key, batch);
    const [oldest] = this.#byRequest.keys();
    if (this.#byRequest.size > MAX_KEPT && oldest !== undefined) this.#byRequest.delete(oldest);
    return batch;
  }

  #run<Item>(
    items: readonly Item[],
    run: (item: Item) => Task | undefined,
  ): Pick<Batch, 'startAt' | 'endAt' | 'tasks' | 'failures' | 'state'> {
    const startAt = this.#clock.now();
    const tasks: Task[] = [];
    const failures = new Map<number, ApiError>();
    for (const [index, item] of items.entries()) {
      try {
        const task = run(item);
        if (task !== undefined) tasks.push(withoutBody(task));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        failures.set(index, error);
      }
    }
    const someFailed = failures.size === items.length ? 'FAILED' : 'PARTIALLY_SUCCEEDED';
    const state = failures.size === 0 ? 'SUCCEEDED' : someFailed;
    return { startAt, endAt: this.#clock.now(), tasks, failures, state };
  }
}

const NO_BODY = new Uint8Array();

function withoutBody(task: Task): Task {
  return { ...task, target: { ...task.target, body: NO_BODY } };
}

function checkCount(items: readonly unknown[], max: number, field: string): void {
  if (items.length > 0 && items.length <= max) return;
  throw invalidField(field, `${items.length} entries are out of range; use 1 to ${max}.`);
}
