import type { protos } from '@google-cloud/tasks';
import type { TaskMessage } from '../messages/task.ts';
import type { Plain } from '../schema.ts';

type V2Beta2 = protos.google.cloud.tasks.v2beta2.ITask;

export function taskFrom(message: Plain): TaskMessage {
  const { appEngineHttpRequest, status: _, view: __, ...task } = message as V2Beta2;
  if (!appEngineHttpRequest) return task;
  const { relativeUrl, payload, ...request } = appEngineHttpRequest;
  return {
    ...task,
    appEngineHttpRequest: {
      ...request,
      ...(relativeUrl && { relativeUri: relativeUrl }),
      ...(payload && { body: payload }),
    },
  };
}

export function taskTo(message: TaskMessage): Plain {
  const { appEngineHttpRequest, dispatchCount, responseCount, firstAttempt, lastAttempt, ...task } = message;
  const { relativeUri, body, ...request } = appEngineHttpRequest ?? {};
  return {
    ...task,
    ...(appEngineHttpRequest && {
      appEngineHttpRequest: { ...request, relativeUrl: relativeUri, ...(body && { payload: body }) },
    }),
    status: {
      attemptDispatchCount: dispatchCount,
      attemptResponseCount: responseCount,
      ...(firstAttempt && { firstAttemptStatus: firstAttempt }),
      ...(lastAttempt && { lastAttemptStatus: lastAttempt }),
    },
  };
}
