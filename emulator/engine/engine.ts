import type { Dispatch } from '../core/dispatch.ts';
import { responseStatusOf } from '../core/attempt.ts';
import type { ConflictCode } from '../core/attempt.ts';
import type { ApiError } from '../core/errors.ts';
import { queueNotFound, queueNotThere } from '../core/faults.ts';
import type { Queue, Task } from '../core/model.ts';
import { QUEUE_NAME_REUSE_MS } from '../core/production-rules.ts';
import type { NameRelease, StoreContents, TaskStore } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { BatchOperations } from './batches.ts';
import { CmekOperations } from './cmek.ts';
import { Dispatcher } from './dispatcher.ts';
import type { EngineEvent, EngineListener } from './events.ts';
import type { Throttles } from './pace.ts';
import { Production } from './production.ts';
import { LeaseOperations } from './leases.ts';
import { PolicyOperations } from './policies.ts';
import { QueueOperations } from './queues.ts';
import type { Random } from './random.ts';
import { TaskOperations } from './tasks.ts';

export interface EngineSettings extends Throttles {
  /** How long the name of a task that is gone stays taken, in ms. Default 1 hour. */
  readonly taskNameReuseAfterMs: number;
  /** How long the name of a deleted queue stays taken, in ms. Default 0: it may be created again at once. */
  readonly queueNameReuseAfterMs: number;
  /** Whether a task that is created in a queue that is missing has that queue made. Default no; not with the profile `strict`. */
  readonly autoCreatesQueues: boolean;
  /** What CreateTask answers where the queue is missing. Default `NOT_FOUND`, as is recorded; `FAILED_PRECONDITION` was reported in 2023. */
  readonly missingQueueCode: keyof typeof MISSING_QUEUE;
  /** As of what an answer of 409 is recorded. Default `ABORTED`; which it is at the service is not known. */
  readonly conflictCode: ConflictCode;
}

/** All that an engine holds, but for what is kept for a minute or by request id: counts of quotas, pressure, batches. */
export interface EngineState extends StoreContents {
  /** The engine's time. */
  readonly now: number;
  /** When the tokens of a queue are all there again, by its name; of those that lack some. */
  readonly tokensFullAt: Readonly<Record<string, number>>;
  /** By the name of the CMEK config. */
  readonly kmsKeys: Readonly<Record<string, string>>;
}

export interface EngineOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly store: TaskStore;
  readonly dispatch: Dispatch;
  /** Bytes of a task in the service's own storage form, which its size limit is about. */
  readonly sizeOf: (task: Task) => number;
  readonly settings?: Partial<EngineSettings>;
  /** Default: lets through what works locally, without a word. */
  readonly production?: Production;
}

/** What CreateTask may answer where the queue is missing. */
const MISSING_QUEUE: Readonly<Record<'NOT_FOUND' | 'FAILED_PRECONDITION', () => ApiError>> = {
  NOT_FOUND: queueNotFound,
  FAILED_PRECONDITION: queueNotThere,
};

const DEFAULTS: EngineSettings = {
  taskNameReuseAfterMs: 60 * 60 * 1000,
  queueNameReuseAfterMs: 0,
  autoCreatesQueues: false,
  missingQueueCode: 'NOT_FOUND',
  conflictCode: 'ABORTED',
  hasBackPressure: true,
  hasErrorPressure: false,
  hasSlowStart: false,
};

/** What the profile `strict` has otherwise: it holds back as the service does. */
export const STRICT_SETTINGS: Partial<EngineSettings> = {
  queueNameReuseAfterMs: QUEUE_NAME_REUSE_MS,
  hasErrorPressure: true,
  hasSlowStart: true,
};

/**
 * Cloud Tasks without a network: the operations, and the loop that dispatches. It takes up what it finds in its store; what was in
 * flight when the store was last left is delivered again. All its work happens in its operations and in `tick`, which its clock calls.
 */
export class Engine implements AsyncDisposable {
  readonly queues: QueueOperations;
  readonly tasks: TaskOperations;
  readonly leases: LeaseOperations;
  readonly batches: BatchOperations;
  readonly policies: PolicyOperations;
  readonly cmek: CmekOperations = new CmekOperations();
  readonly #dispatcher: Dispatcher;
  readonly #clock: Clock;
  readonly #store: TaskStore;
  readonly #production: Production;
  readonly #emit: EngineListener;
  readonly #listeners = new Set<EngineListener>();

  constructor(options: EngineOptions) {
    const { clock, random, store, dispatch, sizeOf, settings, production = new Production() } = options;
    const all = { ...DEFAULTS, ...settings };
    const { taskNameReuseAfterMs, queueNameReuseAfterMs, autoCreatesQueues } = all;
    const { missingQueueCode, conflictCode } = all;
    const emit = (event: EngineEvent): void => {
      if (event.kind === 'queueSlowed') production.queueSlowed(event.queue, event.reason);
      for (const listener of this.#listeners) listener(event);
    };
    production.checkAutoCreation(autoCreatesQueues);
    this.#clock = clock;
    this.#store = store;
    this.#production = production;
    this.#emit = emit;
    const releaseTaskName = (now: number, queue: Queue | undefined): NameRelease =>
      releaseAfter(queue?.tombstoneTtlMs ?? taskNameReuseAfterMs)(now);
    this.#dispatcher = new Dispatcher({
      clock,
      store,
      dispatch,
      emit,
      releaseAt: releaseTaskName,
      throttles: all,
      statusOf: (result) => responseStatusOf(result, conflictCode),
    });
    const common = { clock, store, dispatcher: this.#dispatcher, emit, production };
    this.queues = new QueueOperations({
      ...common,
      releaseAt: releaseAfter(queueNameReuseAfterMs),
      releaseTaskNameAt: releaseTaskName,
    });
    this.tasks = new TaskOperations({
      ...common,
      random,
      sizeOf,
      releaseAt: releaseTaskName,
      missingQueue: MISSING_QUEUE[missingQueueCode],
      makeQueue: autoCreatesQueues ? (name) => this.queues.createForTask(name) : undefined,
    });
    this.leases = new LeaseOperations({
      ...common,
      remove: (name, reason) => this.tasks.delete(name, reason),
    });
    this.batches = new BatchOperations({ clock, random, tasks: this.tasks });
    this.policies = new PolicyOperations(this.queues);
    store.releaseClaims();
    for (const queue of store.listQueues()) this.#dispatcher.putQueue(queue);
  }

  /** Calls the listener for each event from now on; what is returned ends that. A listener must not throw. */
  observe(listener: EngineListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Starts every attempt that may start now. The clock's timer calls it; calling it at any other time does no harm. */
  tick(): void {
    this.#dispatcher.tick();
  }

  /**
   * When the next task falls due of the queues that dispatch (neither paused nor pulled from), or of all; undefined if none waits. Rates
   * may let it leave later, and what is in flight does not count.
   */
  nextDueAt(queues: 'dispatching' | 'all'): number | undefined {
    return this.#dispatcher.nextDueAt(queues);
  }

  /**
   * Deletes every queue with its tasks, forgets their names, keys and batches, and cuts off the attempts that are out: nobody learns of
   * their ends. What is created while it goes on is of the time after it.
   */
  async reset(): Promise<void> {
    this.queues.forgetAll();
    this.cmek.forgetAll();
    this.batches.forgetAll();
    await this.#dispatcher.cutOff();
  }

  state(): EngineState {
    const now = this.#clock.now();
    return {
      ...this.#store.contents(now),
      now,
      tokensFullAt: this.#dispatcher.tokensFullAt(),
      kmsKeys: this.cmek.all(),
    };
  }

  /**
   * Puts a state in the place of all that is there, in one step; where the store cannot be written nothing changes. Attempts that are out
   * are cut off: nobody learns of their ends. Those that were out when the state was taken start again. Resolves when none of before is out.
   *
   * @param setTime Sets the clock, which is to show the time of the state or a later one.
   * @throws StoreFault, and INVALID_ARGUMENT for a key that is none
   */
  async restore(state: EngineState, setTime: () => void): Promise<void> {
    const keys = Object.entries(state.kmsKeys).map(([name, kmsKey]) => ({ name, kmsKey }));
    for (const key of keys) this.cmek.check(key);
    this.#store.replaceContents(state, state.now);
    this.cmek.forgetAll();
    for (const key of keys) this.cmek.update(key);
    this.batches.forgetAll();
    this.#production.forgetAll();
    this.#production.queuesAreKnown();
    setTime();
    this.#emit({ kind: 'restored', at: this.#clock.now() });
    await this.#dispatcher.takeUp(state.tokensFullAt);
  }

  /** Stops dispatching and cuts off the attempts that are out; their tasks stay in the store, in flight. */
  async close(): Promise<void> {
    await this.#dispatcher.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function releaseAfter(durationMs: number): (now: number) => NameRelease {
  return (now) => ({ at: now, nameFreeAt: now + durationMs });
}
