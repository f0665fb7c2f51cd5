import type { ErrorDetail } from '../../emulator/core/errors.ts';
import { betaRows } from './beta-rows.ts';
import {
  DISCOVERY,
  ENTITY_MISSING,
  httpRequest,
  LOCATION,
  NO_QUEUE,
  PROTO,
  Q,
  QUEUE_MISSING,
  recorded,
  url,
  violation,
} from './row.ts';
import type { ErrorRow } from './row.ts';
import { strictRows } from './strict-rows.ts';

const T = `${Q}/tasks/t`;

const QUEUE_NAME =
  'Queue name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>".';
const TASK_NAME =
  'Task name must be formatted: "projects/<PROJECT_ID>/locations/<LOCATION_ID>/queues/<QUEUE_ID>/tasks/<TASK_ID>"';
const REFERENCE = 'https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues';

const seconds = (count: number) => ({ seconds: count });

function help(description: string, link: string): ErrorDetail {
  return { type: 'google.rpc.Help', value: { links: [{ description, url: link }] } };
}

function createQueue(
  condition: string,
  queue: object,
  message: string,
  more: Partial<ErrorRow> = {},
): ErrorRow {
  const request = { parent: LOCATION, queue: { name: `${LOCATION}/queues/new`, ...queue } };
  return { rpc: 'CreateQueue', condition, request, code: 'INVALID_ARGUMENT', message, ...recorded, ...more };
}

function createTask(
  condition: string,
  task: object,
  message: string,
  more: Partial<ErrorRow> = {},
): ErrorRow {
  const request = { parent: Q, task: { httpRequest, ...task } };
  return { rpc: 'CreateTask', condition, request, code: 'INVALID_ARGUMENT', message, ...recorded, ...more };
}

function missing(rpc: string, name: string, message: string, condition: string): ErrorRow {
  return { rpc, condition, request: { name }, code: 'NOT_FOUND', message, ...recorded };
}

const onMissingQueue = ['GetQueue', 'PauseQueue', 'ResumeQueue', 'PurgeQueue'].map((rpc) =>
  missing(rpc, NO_QUEUE, QUEUE_MISSING, 'the queue does not exist'),
);

const onMissingTask = ['GetTask', 'DeleteTask', 'RunTask'].map((rpc) =>
  missing(rpc, `${Q}/tasks/none`, ENTITY_MISSING, 'the task does not exist'),
);

const badRates: [string, object, string][] = [
  [
    'the rate is negative',
    { maxDispatchesPerSecond: -1 },
    'RateLimits.maxDispatchesPerSecond cannot be negative.',
  ],
  [
    'the rate is above 500',
    { maxDispatchesPerSecond: 501 },
    'RateLimits.maxDispatchesPerSecond must be less than or equal to 500.',
  ],
  [
    'the concurrency is negative',
    { maxConcurrentDispatches: -1 },
    'RateLimits.maxConcurrentDispatches cannot be negative.',
  ],
  [
    'the concurrency is above 5,000',
    { maxConcurrentDispatches: 5001 },
    'RateLimits.maxConcurrentDispatches must be less than or equal to 5000.',
  ],
];

const badRetries: [string, object, string][] = [
  [
    'the attempts are below -1',
    { maxAttempts: -2 },
    'RetryConfig.maxAttempts must be greater or equal to -1.',
  ],
  ['the doublings are negative', { maxDoublings: -1 }, 'RetryConfig.maxDoublings cannot be negative.'],
  [
    'the least backoff is negative',
    { minBackoff: seconds(-1) },
    'RetryConfig.minBackoff cannot be negative.',
  ],
  [
    'the least backoff is above the greatest',
    { minBackoff: seconds(9), maxBackoff: seconds(8) },
    'RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.',
  ],
];

const badSetters = [
  ...badRates.map(([condition, rateLimits, message]) => createQueue(condition, { rateLimits }, message)),
  ...badRetries.map(([condition, retryConfig, message]) => createQueue(condition, { retryConfig }, message)),
];

/** What the emulator refuses, with which words. Run over gRPC and over REST; docs/fidelity.md is written from it. */
export const errorRows: readonly ErrorRow[] = [
  {
    rpc: 'ListQueues',
    condition: 'the parent is no location of a project',
    request: { parent: 'projects/p/locations/a_b' },
    code: 'PERMISSION_DENIED',
    message: 'Permission denied on resource project p.',
    details: [
      {
        type: 'google.rpc.ErrorInfo',
        value: {
          reason: 'CONSUMER_INVALID',
          domain: 'googleapis.com',
          metadata: { consumer: 'projects/p', containerInfo: 'p', service: 'cloudtasks.googleapis.com' },
        },
      },
      {
        type: 'google.rpc.LocalizedMessage',
        value: { locale: 'en-US', message: 'Permission denied on resource project p.' },
      },
      help('Google developers console', 'https://console.developers.google.com'),
    ],
    ...recorded,
  },
  createQueue('the queue exists', { name: Q }, 'Queue already exists', { code: 'ALREADY_EXISTS' }),
  createQueue('the name is malformed', { name: 'q' }, QUEUE_NAME, {
    details: [help('Definition of queue name', `${REFERENCE}#Queue.FIELDS.name`)],
  }),
  createQueue(
    'the id has other characters than letters, digits and hyphens',
    { name: `${LOCATION}/queues/a_b` },
    'Queue ID "a_b" can contain only letters ([A-Za-z]), numbers ([0-9]), or hyphens (-). Queue ID must be between 1 and 100 characters.',
    { source: 'firebase-tools issue 10937' },
  ),
  createQueue(
    'the name is of another location than the parent',
    { name: 'projects/p/locations/other/queues/new' },
    `projects/p/locations/other/queues/new must begin with ${LOCATION}.`,
  ),
  ...badSetters,
  createQueue(
    'the host of the HTTP target is empty',
    { httpTarget: { uriOverride: { host: '' } } },
    'Invalid resource field value in the request.',
    {
      rpc: 'v2beta3 CreateQueue',
      details: violation('queue.http_target.uri_override.host', '"" is no host name.'),
      mark: 'documented',
      source: `${DISCOVERY}: the code; the text is the service's catch-all`,
    },
  ),
  ...onMissingQueue,
  {
    rpc: 'GetQueue',
    // Over REST it is no path of this method.
    only: 'gRPC',
    condition: 'the name is malformed',
    request: { name: `${LOCATION}/queues/a/b` },
    code: 'INVALID_ARGUMENT',
    message: QUEUE_NAME,
    details: [help('Definition of queue name', `${REFERENCE}#Queue.FIELDS.name`)],
    ...recorded,
  },
  missing('DeleteQueue', NO_QUEUE, ENTITY_MISSING, 'the queue does not exist'),
  {
    rpc: 'CreateTask',
    condition: 'the queue does not exist',
    request: { parent: NO_QUEUE, task: { httpRequest } },
    code: 'NOT_FOUND',
    message: QUEUE_MISSING,
    ...recorded,
  },
  createTask('the task exists', { name: T }, 'Requested entity already exists', { code: 'ALREADY_EXISTS' }),
  createTask(
    'a task of this name existed recently',
    { name: `${Q}/tasks/gone` },
    'Requested entity already exists',
    {
      code: 'ALREADY_EXISTS',
    },
  ),
  createTask(
    'the id has other characters than letters, digits, hyphens and underscores',
    { name: `${Q}/tasks/x y` },
    'Task ID "x y" can contain only letters ([A-Za-z]), numbers ([0-9]), hyphens (-), or underscores (_). Task ID must between 1 and 500 characters.',
    { details: [help('Definition of task ID', `${REFERENCE}.tasks#Task.FIELDS.name`)] },
  ),
  createTask(
    'the task is named into another queue',
    { name: `${NO_QUEUE}/tasks/t` },
    `The queue name from request ('${Q}') must be the same as the queue name in the named task ('${NO_QUEUE}').`,
  ),
  createTask('the name is malformed', { name: 't' }, TASK_NAME),
  createTask('there is no target', { httpRequest: null }, 'Task.payload_type is not set.', {
    source: 'nodejs-tasks issues 203 and 417',
  }),
  createTask('the URL is empty', { httpRequest: { url: '' } }, 'HttpRequest.url is required.'),
  createTask(
    'the URL has another scheme than http or https',
    { httpRequest: { url: 'ftp://a.example/' } },
    "HttpTarget.url must start with 'http://' or 'https://'.",
  ),
  createTask(
    'the deadline of an HTTP task is out of range',
    { dispatchDeadline: seconds(1801) },
    'Task.dispatchDeadline must be between [15s, 30m].',
  ),
  createTask(
    'the deadline of an App Engine task is out of range',
    { httpRequest: null, appEngineHttpRequest: {}, dispatchDeadline: seconds(14) },
    'Task.dispatchDeadline must be between [15s, 24h15s].',
  ),
  createTask(
    'it is due in more than 30 days',
    { scheduleTime: { seconds: Date.UTC(2100, 0, 1) / 1000 } },
    'The Task.scheduleTime, 2099-12-31T16:00:00-08:00, is too far in the future. Schedule time must be no more than 720h in the future.',
  ),
  createTask(
    'it takes more than 1,048,569 bytes',
    { httpRequest: { url, body: Buffer.alloc(1_048_569) } },
    'Task size too large',
  ),
  createTask(
    'a header cannot be sent',
    { httpRequest: { url, headers: { 'a b': 'c' } } },
    'Invalid resource field value in the request.',
    {
      details: violation('task.http_request.headers', '"a b" is no valid header name.'),
      mark: 'inferred',
      source: 'the text is of nodejs-tasks issues 394 and 506; that it is given here is our reading',
    },
  ),
  ...onMissingTask,
  missing(
    'GetTask',
    `${Q}/tasks/gone`,
    'The task no longer exists, though a task with this name existed recently. The task either successfully completed or was deleted.',
    'a task of this name existed recently',
  ),
  {
    ...missing('ListTasks', NO_QUEUE, QUEUE_MISSING, 'the queue does not exist'),
    request: { parent: NO_QUEUE },
    mark: 'inferred',
    source: 'by analogy with the other methods',
  },
  {
    rpc: 'SetIamPolicy',
    condition: 'the etag is not the current one',
    request: { resource: Q, policy: { etag: Buffer.from('old') } },
    code: 'ABORTED',
    message:
      'There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff.',
    mark: 'inferred',
    source: `${PROTO} say that the etag is checked; the text is that of other services of Google`,
  },
  ...betaRows,
  ...strictRows,
];
