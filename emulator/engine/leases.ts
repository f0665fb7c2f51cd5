import { startAttempt } from '../core/attempt.ts';
import { ApiError } from '../core/errors.ts';
import { entityNotFound, invalidField, queueNotFound } from '../core/faults.ts';
import type { Queue, Task } from '../core/model.ts';
import { parseQueueName, parseTaskName } from '../core/names.ts';
import { MAX_TASK_BYTES } from '../core/task-rules.ts';
import { isExhausted, retentionMsOf } from '../core/retry.ts';
import type { Claim, TaskStore } from '../store/store.ts';
import { MAX_ANSWER_BYTES } from './answer-size.ts';
import type { Clock } from './clock.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Production } from './production.ts';

const MAX_TASKS = 1000;
const SECOND_MS = 1000;
const MAX_LEASE_MS = 7 * 24 * 60 * 60 * SECOND_MS;
const SCAN_PAGE = 1000;

export interface LeaseRequest {
  /** At most 1,000. */
  readonly maxTasks: number;
  /** At most a week; cut to whole seconds. */
  readonly leaseMs: number | undefined;
  /** `tag=TAG`, `tag_function=oldest_tag()`, or empty for all. */
  readonly filter: string;
}

export interface LeaseOperationsOptions {
  readonly clock: Clock;
  readonly store: TaskStore;
  readonly dispatcher: Dispatcher;
  readonly production: Production;
  /** Deletes a task for good. */
  readonly remove: (name: string, reason: 'deleted' | 'exhausted') => void;
}

/**
 * What workers do with a pull queue. A task is leased until its `scheduleAt`: nobody else gets it before, and whoever holds it proves
 * so by naming that instant. A worker that dies leaves a task that falls due again.
 */
export class LeaseOperations {
  readonly #clock: Clock;
  readonly #store: TaskStore;
  readonly #dispatcher: Dispatcher;
  readonly #production: Production;
  readonly #remove: LeaseOperationsOptions['remove'];

  constructor({ clock, store, dispatcher, production, remove }: LeaseOperationsOptions) {
    this.#clock = clock;
    this.#store = store;
    this.#dispatcher = dispatcher;
    this.#production = production;
    this.#remove = remove;
  }

  /** Leases the tasks that fell due first, as many as one answer holds. A filter makes it look through the whole queue. */
  lease(parent: string, { maxTasks, leaseMs, filter }: LeaseRequest): readonly Task[] {
    const queue = this.#pullQueue(parent);
    if (!(maxTasks >= 0 && maxTasks <= MAX_TASKS)) {
      throw invalidField('max_tasks', `${maxTasks} is out of range; use 1 to ${MAX_TASKS}.`);
    }
    const now = this.#clock.now();
    const until = now + checkedLease(leaseMs);
    this.#production.checkRate('lease', parent, now);
    // A paused queue hands out nothing, whoever asks.
    if (queue.state !== 'RUNNING') return [];
    const named = filter === '' ? undefined : this.#dueWith(parent, filter).values();
    const leased: Task[] = [];
    let bytes = 0;
    while (leased.length < (maxTasks || 1) && bytes <= MAX_ANSWER_BYTES - MAX_TASK_BYTES) {
      const claim = this.#claimNext(parent, named, until);
      if (claim === undefined) break;
      // It was leased as often as the queue allows, and nobody acknowledged it.
      if (isSpent(claim.before, queue, this.#clock.now())) this.#remove(claim.task.name, 'exhausted');
      // If the process dies here, the start makes the task wait again, until the same instant.
      else leased.push(this.#reschedule(claim.task, until));
      bytes += claim.task.target.body.length;
    }
    return leased;
  }

  /** Ends a lease for good: its task is done. */
  acknowledge(name: string, scheduleAt: number | undefined): void {
    this.#remove(this.#held(name, scheduleAt).name, 'deleted');
  }

  /** The lease lasts from now for `leaseMs`. */
  renew(name: string, scheduleAt: number | undefined, leaseMs: number | undefined): Task {
    const task = this.#held(name, scheduleAt);
    return this.#reschedule(task, this.#clock.now() + checkedLease(leaseMs));
  }

  /** Gives a task back: anybody can lease it at once. */
  cancel(name: string, scheduleAt: number | undefined): Task {
    return this.#reschedule(this.#held(name, scheduleAt), this.#clock.now());
  }

  #claimNext(queue: string, named: Iterator<string> | undefined, until: number): Claim | undefined {
    const now = this.#clock.now();
    const begin = (task: Task): Task => startAttempt({ ...task, scheduleAt: until }, until, now);
    if (named === undefined) return this.#store.claimDue(queue, now, begin);
    const next = named.next();
    return next.done === true ? undefined : this.#store.claimTask(next.value, begin);
  }

  #reschedule(task: Task, scheduleAt: number): Task {
    const rescheduled = { ...task, scheduleAt };
    this.#store.rescheduleTask(rescheduled);
    return rescheduled;
  }

  /** The due tasks that the filter lets through, the oldest schedule first. */
  #dueWith(queue: string, filter: string): readonly string[] {
    const now = this.#clock.now();
    const due: Task[] = [];
    let start: number | undefined = 0;
    while (start !== undefined) {
      const page = this.#store.listTasks(queue, { start, limit: SCAN_PAGE });
      due.push(...page.tasks.filter((task) => task.scheduleAt <= now));
      start = page.next;
    }
    due.sort((a, b) => a.scheduleAt - b.scheduleAt);
    const tag = filterTag(filter, due[0]);
    return due.filter((task) => tagOf(task) === tag).map(({ name }) => name);
  }

  #held(name: string, scheduleAt: number | undefined): Task {
    this.#pullQueue(parseTaskName(name).queue);
    const task = this.#store.getTask(name);
    if (task === undefined) throw entityNotFound();
    if (scheduleAt === undefined) throw invalidField('schedule_time', 'It is required.');
    if (
      !isSameMicrosecond(task.scheduleAt, scheduleAt) ||
      task.dispatchCount === 0 ||
      scheduleAt <= this.#clock.now()
    ) {
      throw new ApiError(
        'FAILED_PRECONDITION',
        "The task is not leased until this schedule_time: the lease ended, or is somebody else's.",
      );
    }
    return task;
  }

  #pullQueue(name: string): Queue {
    parseQueueName(name);
    const queue = this.#dispatcher.queue(name);
    if (queue === undefined) throw queueNotFound();
    if (queue.isPull) return queue;
    throw new ApiError('FAILED_PRECONDITION', 'Tasks can be leased from a pull queue only.');
  }
}

function isSpent(task: Task, queue: Queue, now: number): boolean {
  const { dispatchCount: attempts, createAt, firstAttempt } = task;
  const history = { attempts, createAt, firstAttemptAt: firstAttempt?.dispatchAt ?? now };
  return isExhausted(queue.retryConfig, { ...history, retentionMs: retentionMsOf(queue) }, now);
}

function checkedLease(leaseMs: number | undefined): number {
  const wholeMs = Math.floor((leaseMs ?? 0) / SECOND_MS) * SECOND_MS;
  if (wholeMs > 0 && wholeMs <= MAX_LEASE_MS) return wholeMs;
  throw invalidField('lease_duration', 'It is required, from 1 second to 1 week.');
}

/** Callers see instants to the microsecond. */
function isSameMicrosecond(a: number, b: number): boolean {
  return Math.round(a * 1000) === Math.round(b * 1000);
}

function filterTag(filter: string, oldest: Task | undefined): string {
  if (filter === 'tag_function=oldest_tag()') return oldest === undefined ? '' : tagOf(oldest);
  const [, tag] = /^tag=(.*)$/s.exec(filter) ?? [];
  if (tag !== undefined && tag.length < 500) return tag.replace(/^"(.*)"$/s, '$1');
  throw invalidField(
    'filter',
    'Write tag=TAG, with a tag of less than 500 characters, or tag_function=oldest_tag().',
  );
}

function tagOf({ target }: Task): string {
  return target.kind === 'pull' ? (target.tag ?? '') : '';
}
