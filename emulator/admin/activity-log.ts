import type { Queue, ResponseStatus, Task } from '../core/model.ts';
import { parseQueueName, queueOfTask } from '../core/names.ts';
import type { EngineEvent } from '../engine/events.ts';
import { SeededRandom } from '../engine/random.ts';
import { BoundedLog } from './bounded-log.ts';
import { isNamed, urlOf } from './fault-rule.ts';

/** What the service writes of one operation on a task. Counts are texts, as JSON has 64-bit numbers. */
export interface TaskActivity {
  readonly '@type': 'type.googleapis.com/google.cloud.tasks.logging.v1.TaskActivityLog';
  /** The task's full name. */
  readonly task: string;
  readonly taskCreationLog?: object;
  readonly attemptDispatchLog?: object;
  readonly attemptResponseLog?: object;
}

/** An entry as Cloud Logging has it, of the log `cloudtasks.googleapis.com/task_operations_log`. */
export interface TaskLogEntry {
  readonly logName: string;
  readonly resource: {
    readonly type: 'cloud_tasks_queue';
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly timestamp: string;
  /** ERROR for an attempt that failed. */
  readonly severity: 'DEBUG' | 'ERROR';
  readonly jsonPayload: TaskActivity;
}

export interface TaskLogFilter {
  /** Full name or id. */
  readonly queue?: string | undefined;
  readonly taskName?: string | undefined;
}

const MAX_ENTRIES = 10_000;

/**
 * What queues with a `stackdriverLoggingConfig.samplingRatio` write to Cloud Logging: the creation of a task, the start and the end of each
 * attempt; of all that happens the share that the ratio asks for. The newest 10,000 entries, in memory.
 */
export class ActivityLog {
  readonly #queueOf: (name: string) => Queue | undefined;
  readonly #random: SeededRandom;
  readonly #entries = new BoundedLog<TaskLogEntry>({
    maxEntries: MAX_ENTRIES,
    maxBytes: Number.POSITIVE_INFINITY,
  });

  constructor(queueOf: (name: string) => Queue | undefined, seed: number) {
    this.#queueOf = queueOf;
    this.#random = new SeededRandom(seed);
  }

  readonly listener = (event: EngineEvent): void => {
    if (!('task' in event) || event.task.target.kind === 'pull') return;
    const queue = this.#queueOf(queueOfTask(event.task.name));
    const { loggingSamplingRatio: ratio = 0 } = queue ?? {};
    if (queue === undefined || this.#random.next() >= ratio) return;
    this.#entries.add(entryOf(event, queue), 0);
  };

  /** In the order in which they were written. */
  entries({ queue, taskName }: TaskLogFilter = {}): readonly TaskLogEntry[] {
    return [...this.#entries.values()].filter(
      ({ jsonPayload: { task } }) => isNamed(queue, queueOfTask(task)) && isNamed(taskName, task),
    );
  }

  /** Forgets all, and samples as at first. */
  clear(): void {
    this.#entries.clear();
    this.#random.restart();
  }
}

type TaskEvent = Extract<EngineEvent, { readonly task: Task }>;

function entryOf(event: TaskEvent, queue: Queue): TaskLogEntry {
  const { project, location, queueId } = partsOf(queue.name);
  return {
    logName: `projects/${project}/logs/cloudtasks.googleapis.com%2Ftask_operations_log`,
    resource: {
      type: 'cloud_tasks_queue',
      labels: { project_id: project, location, queue_id: queueId },
    },
    timestamp: timeText(event.at),
    severity: event.kind === 'attemptEnded' && statusOf(event.status) !== 'OK' ? 'ERROR' : 'DEBUG',
    jsonPayload: {
      '@type': 'type.googleapis.com/google.cloud.tasks.logging.v1.TaskActivityLog',
      task: event.task.name,
      ...activityOf(event, queue),
    },
  };
}

function activityOf(event: TaskEvent, queue: Queue): Partial<TaskActivity> {
  const { task, at } = event;
  const { target } = task;
  const aim = {
    targetAddress: `${'method' in target ? target.method : ''} ${urlOf(target)}`,
    targetType: target.kind === 'appEngine' ? 'APP_ENGINE' : 'HTTP',
  };
  const { maxAttempts } = task.retryConfig ?? queue.retryConfig;
  const counts = { responseCount: String(task.responseCount), maxAttempts };
  switch (event.kind) {
    case 'taskCreated':
      return { taskCreationLog: { scheduleTime: timeText(task.scheduleAt), status: 'OK', ...aim } };
    case 'attemptStarted': {
      const scheduleTime = timeText(task.lastAttempt?.scheduleAt ?? at);
      const dispatchCount = String(task.dispatchCount);
      return { attemptDispatchLog: { scheduleTime, dispatchCount, ...counts, ...aim } };
    }
    case 'attemptEnded': {
      const isLast = event.attempt === task.dispatchCount;
      const { dispatchAt, scheduleAt } = (isLast ? task.lastAttempt : undefined) ?? {};
      return {
        attemptResponseLog: {
          ...(dispatchAt !== undefined && { attemptDuration: `${((at - dispatchAt) / 1000).toFixed(6)}s` }),
          ...(scheduleAt !== undefined && { scheduleTime: timeText(scheduleAt) }),
          ...(event.outcome === 'retry' && { retryTime: timeText(task.scheduleAt) }),
          status: statusOf(event.status),
          dispatchCount: String(event.attempt),
          ...counts,
          ...aim,
        },
      };
    }
  }
}

/** The name of the code that is recorded for an attempt. */
export function statusOf({ message }: ResponseStatus): string {
  return message.split('(')[0] || 'OK';
}

/** The parts of a queue's name, as monitored resources call them. */
export function partsOf(queueName: string): { project: string; location: string; queueId: string } {
  const [, project = '', , location = ''] = parseQueueName(queueName).location.split('/');
  return { project, location, queueId: queueName.slice(queueName.lastIndexOf('/') + 1) };
}

function timeText(at: number): string {
  return new Date(at).toISOString();
}
