import type { ErrorDetail } from './errors.ts';
import { ApiError } from './errors.ts';

const PROJECT = '[A-Za-z0-9:.-]+';
const LOCATION = '[A-Za-z0-9-]+';

const LOCATION_NAME = new RegExp(`^projects/(${PROJECT})/locations/(${LOCATION})$`);
// The last segment is taken as it comes: a well-formed name with a bad id gets an error of its own.
const QUEUE_NAME = new RegExp(`^(projects/${PROJECT}/locations/${LOCATION})/queues/([^/]+)$`);
const TASK_NAME = new RegExp(
  `^(projects/${PROJECT}/locations/${LOCATION}/queues/[A-Za-z0-9-]{1,100})/tasks/(.+)$`,
  's',
);

const QUEUE_ID = /^[A-Za-z0-9-]{1,100}$/;
const TASK_ID = /^[A-Za-z0-9_-]{1,500}$/;

const REFERENCE = 'https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues';

export interface QueueNameParts {
  /** `projects/P/locations/L`. */
  readonly location: string;
  readonly queueId: string;
}

export interface TaskNameParts {
  /** Full name of the queue. */
  readonly queue: string;
  readonly taskId: string;
}

/** Throws unless `name` is `projects/P/locations/L`. The service takes any other parent for a project it may not look into. */
export function checkLocationName(name: string): void {
  if (LOCATION_NAME.test(name)) return;
  const project = name.split('/')[1] ?? name;
  const message = `Permission denied on resource project ${project}.`;
  throw new ApiError('PERMISSION_DENIED', message, [
    {
      type: 'google.rpc.ErrorInfo',
      value: {
        reason: 'CONSUMER_INVALID',
        domain: 'googleapis.com',
        metadata: {
          consumer: `projects/${project}`,
          containerInfo: project,
          service: 'cloudtasks.googleapis.com',
        },
      },
    },
    { type: 'google.rpc.LocalizedMessage', value: { locale: 'en-US', message } },
    help('Google developers console', 'https://console.developers.google.com'),
  ]);
}

/** Takes a queue's full name apart. Throws INVALID_ARGUMENT if it is malformed. */
export function parseQueueName(name: string): QueueNameParts {
  const [, location, queueId] = QUEUE_NAME.exec(name) ?? [];
  if (location === undefined || queueId === undefined) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      'Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".',
      [help('Definition of queue name', `${REFERENCE}#Queue.FIELDS.name`)],
    );
  }
  if (!QUEUE_ID.test(queueId)) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      `Queue ID "${queueId}" can contain only letters ([A-Za-z]), numbers ([0-9]), or hyphens (-). ` +
        'Queue ID must be between 1 and 100 characters.',
    );
  }
  return { location, queueId };
}

/** Takes a task's full name apart. Throws INVALID_ARGUMENT if it is malformed. */
export function parseTaskName(name: string): TaskNameParts {
  const [, queue, taskId] = TASK_NAME.exec(name) ?? [];
  if (queue === undefined || taskId === undefined) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      'Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"',
    );
  }
  if (!TASK_ID.test(taskId)) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      `Task ID "${taskId}" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). ` +
        'Task ID must between 1 and 500 characters.',
      [help('Definition of task ID', `${REFERENCE}.tasks#Task.FIELDS.name`)],
    );
  }
  return { queue, taskId };
}

export function formatTaskName(queue: string, taskId: string): string {
  return `${queue}/tasks/${taskId}`;
}

/** The queue of a task whose name is known to be well formed. */
export function queueOfTask(taskName: string): string {
  return taskName.slice(0, taskName.lastIndexOf('/tasks/'));
}

/** The last segment of a resource name. */
export function shortId(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

function help(description: string, url: string): ErrorDetail {
  return { type: 'google.rpc.Help', value: { links: [{ description, url }] } };
}
