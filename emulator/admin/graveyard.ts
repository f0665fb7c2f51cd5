import type { DispatchResult } from '../core/dispatch.ts';
import { entityNotFound } from '../core/faults.ts';
import type { Task } from '../core/model.ts';
import { queueOfTask } from '../core/names.ts';
import type { EngineEvent } from '../engine/events.ts';
import type { TaskOperations } from '../engine/tasks.ts';
import type { AttemptLog, Delivery } from './attempt-log.ts';
import { BoundedLog } from './bounded-log.ts';
import { isNamed } from './fault-rule.ts';

/** A task that its queue gave up, after its last attempt. */
export interface DeadTask {
  readonly queueName: string;
  /** With the record of its first and last attempt. */
  readonly task: Task;
  readonly diedAt: number;
  /** How the last attempt ended. */
  readonly lastResult: DispatchResult;
  /** The last request with its response; absent if nothing reached the target. */
  readonly lastDelivery?: Delivery;
}

export interface GraveyardOptions {
  readonly tasks: Pick<TaskOperations, 'create'>;
  readonly attempts: Pick<AttemptLog, 'lastDelivery'>;
}

const MAX_TASKS = 1000;
const MAX_BYTES = 64 * 1024 * 1024;

/** The tasks that ran out of attempts, which the service forgets: the newest 1,000, as far as their bodies fit into 64 MiB. */
export class Graveyard {
  readonly #tasks: GraveyardOptions['tasks'];
  readonly #attempts: GraveyardOptions['attempts'];
  readonly #dead = new BoundedLog<DeadTask>({ maxEntries: MAX_TASKS, maxBytes: MAX_BYTES });

  constructor({ tasks, attempts }: GraveyardOptions) {
    this.#tasks = tasks;
    this.#attempts = attempts;
  }

  readonly listener = (event: EngineEvent): void => {
    if (event.kind !== 'attemptEnded' || event.outcome !== 'exhausted') return;
    const { task, attempt, at, result } = event;
    const lastDelivery = this.#attempts.lastDelivery(task.name, attempt);
    const dead = {
      queueName: queueOfTask(task.name),
      task,
      diedAt: at,
      lastResult: result,
      ...(lastDelivery !== undefined && { lastDelivery }),
    };
    this.#dead.add(dead, task.target.body.length + (lastDelivery?.response?.body.length ?? 0));
  };

  /** Those of a queue (its id or full name), or all, in the order in which they died. */
  list({ queue }: { readonly queue?: string | undefined } = {}): readonly DeadTask[] {
    return [...this.#dead.values()].filter(({ queueName }) => isNamed(queue, queueName));
  }

  /**
   * Creates the task anew, due now and with no attempts, and takes it out of the graveyard. It gets a new name, because its old one stays
   * taken for an hour.
   *
   * @param taskName Its id or full name; of several with that id, the one that died last is meant.
   * @throws ApiError NOT_FOUND if it is not in the graveyard, or its queue is gone
   */
  requeue(taskName: string): Task {
    const dead = this.list().findLast(({ task }) => isNamed(taskName, task.name));
    if (dead === undefined) throw entityNotFound();
    const { target, dispatchDeadlineMs, retryConfig } = dead.task;
    const task = this.#tasks.create(dead.queueName, { target, dispatchDeadlineMs, retryConfig });
    this.#dead.remove(dead);
    return task;
  }

  clear(): void {
    this.#dead.clear();
  }
}
