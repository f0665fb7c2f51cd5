import type { DispatchRequest } from './dispatch.ts';
import { shortId } from './names.ts';

/**
 * The headers of one delivery: those kept with the task, in the caller's casing, and those that tell the worker about the attempt.
 * Not among them: `Authorization` of a task with a token (the dispatcher mints it), and `Host` and `Content-Length`, which belong
 * to the transport.
 */
export function deliveryHeaders(request: DispatchRequest): Record<string, string> {
  const { target } = request.task;
  switch (target.kind) {
    case 'http': {
      const replaced = target.authorization === undefined ? [] : ['authorization'];
      return { ...without(target.headers, replaced), ...httpAttemptHeaders(request) };
    }
    case 'appEngine':
      return { ...without(target.headers, ['content-length']), ...appEngineAttemptHeaders(request) };
  }
}

function httpAttemptHeaders({ queue, task, scheduleAt }: DispatchRequest): Record<string, string> {
  return {
    'X-CloudTasks-QueueName': shortId(queue.name),
    'X-CloudTasks-TaskName': shortId(task.name),
    'X-CloudTasks-TaskRetryCount': String(task.dispatchCount),
    'X-CloudTasks-TaskExecutionCount': String(task.executionCount),
    'X-CloudTasks-TaskETA': formatEta(scheduleAt),
    // On a retry the service sends a reason, and it is empty.
    ...(task.previousHttpStatus !== undefined && {
      'X-CloudTasks-TaskPreviousResponse': String(task.previousHttpStatus),
      'X-CloudTasks-TaskRetryReason': '',
    }),
  };
}

function appEngineAttemptHeaders({ queue, task, scheduleAt }: DispatchRequest): Record<string, string> {
  return {
    'X-AppEngine-QueueName': shortId(queue.name),
    'X-AppEngine-TaskName': shortId(task.name),
    'X-AppEngine-TaskRetryCount': String(task.dispatchCount),
    // App Engine counts every response here, also those of 500 and above.
    'X-AppEngine-TaskExecutionCount': String(task.responseCount),
    'X-AppEngine-TaskETA': formatEta(scheduleAt),
    ...(task.previousHttpStatus !== undefined && {
      'X-AppEngine-TaskPreviousResponse': String(task.previousHttpStatus),
      'X-AppEngine-TaskRetryReason': task.previousHttpStatus === 0 ? 'Instance Unavailable' : 'App Error',
    }),
  };
}

/** Seconds since 1970 with microseconds. */
function formatEta(at: number): string {
  return (at / 1000).toFixed(6);
}

function without(
  headers: Readonly<Record<string, string>>,
  lowerCaseNames: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !lowerCaseNames.includes(name.toLowerCase())),
  );
}
