import { queueNotFound } from '../core/faults.ts';
import type { Queue, Task } from '../core/model.ts';
import { parseQueueName, shortId } from '../core/names.ts';
import type { Sources } from './sources.ts';
import { stateOf } from './task-state.ts';

/** So many tasks are looked at for one page, so that a filter on a long queue keeps nobody waiting. */
const MAX_LOOKED_AT = 20_000;

/** Every queue with what it holds and does, in the order of names. */
export function queuesJson(sources: Sources): object {
  const dead = Map.groupBy(sources.graveyard.list(), ({ queueName }) => queueName);
  const queues = sources
    .listQueues()
    .map((queue) => ({ ...queueJson(queue, sources), dead: dead.get(queue.name)?.length ?? 0 }));
  return { now: sources.now(), isFrozen: sources.isFrozen(), queues };
}

function queueJson(queue: Queue, { stats }: Sources): object {
  const { name, state, isPull = false, rateLimits, retryConfig } = queue;
  const { taskCount, attemptsOut, effectiveRate, responsesLastMinute, nextDueAt } = stats(name);
  return {
    name,
    id: shortId(name),
    location: parseQueueName(name).location,
    state,
    isPull,
    depth: taskCount,
    out: attemptsOut,
    slots: rateLimits.maxConcurrentDispatches,
    rate: rateLimits.maxDispatchesPerSecond,
    effectiveRate,
    responsesLastMinute,
    maxAttempts: retryConfig.maxAttempts,
    ...(nextDueAt !== undefined && { nextDueAt }),
  };
}

export interface TaskQuery {
  /** Full name. */
  readonly queue: string;
  /** `gone`: those that have left the queue, newest first, as far as the history goes. */
  readonly state: 'all' | 'waiting' | 'retrying' | 'out' | 'gone';
  /** A part of the task's id, capitals or not. */
  readonly name: string;
  readonly limit: number;
  /** Where the page begins: 0, or a former page's `next`. */
  readonly start: number;
}

/** A page of a queue's tasks. It can be short, and even empty, while `next` says that there is more. */
export function tasksJson(query: TaskQuery, sources: Sources): object {
  const queue = sources.listQueues().find(({ name }) => name === query.queue);
  if (queue === undefined) throw queueNotFound();
  const shown = query.state === 'gone' ? goneTasks(query, sources) : presentTasks(query, sources);
  return { now: sources.now(), queue: queueJson(queue, sources), ...shown };
}

interface Page {
  readonly tasks: readonly object[];
  readonly next?: number;
}

function presentTasks(query: TaskQuery, sources: Sources): Page {
  const { queue, state, limit } = query;
  const found: object[] = [];
  let start = query.start;
  for (let lookedAt = 0; lookedAt < MAX_LOOKED_AT; lookedAt += limit) {
    const { tasks, next } = sources.listTasks(queue, { start, limit: Math.min(limit - found.length, limit) });
    for (const task of tasks) {
      const isWanted = hasName(task.name, query) && (state === 'all' || stateOf(task, sources) === state);
      if (isWanted) found.push(taskRow(task, sources));
    }
    if (next === undefined) return { tasks: found };
    start = next;
    if (found.length >= limit) break;
  }
  return { tasks: found, next: start };
}

function goneTasks(query: TaskQuery, { history }: Sources): Page {
  const gone = history
    .list()
    .filter(
      ({ queueName, taskName, left }) =>
        queueName === query.queue && left !== undefined && hasName(taskName, query),
    )
    .toSorted((one, other) => (other.leftAt ?? 0) - (one.leftAt ?? 0));
  const end = query.start + query.limit;
  const tasks = gone.slice(query.start, end).map(({ taskName, createdAt, left, leftAt }) => ({
    name: taskName,
    id: shortId(taskName),
    state: left,
    createdAt,
    leftAt,
  }));
  return { tasks, ...(end < gone.length && { next: end }) };
}

function hasName(taskName: string, { name }: TaskQuery): boolean {
  return name === '' || shortId(taskName).toLowerCase().includes(name.toLowerCase());
}

function taskRow(task: Task, sources: Sources): object {
  const { name, createAt, scheduleAt, dispatchCount, lastAttempt } = task;
  const message = lastAttempt?.responseStatus?.message ?? '';
  return {
    name,
    id: shortId(name),
    state: stateOf(task, sources),
    createdAt: sources.history.find(name)?.createdAt ?? createAt,
    scheduleAt,
    attempts: dispatchCount,
    ...(message !== '' && { lastError: message }),
  };
}
