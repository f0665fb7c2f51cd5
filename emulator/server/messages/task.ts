import type { protos } from '@google-cloud/tasks';
import { ApiError } from '../../core/errors.ts';
import type { TargetInput, TaskInput } from '../../core/input.ts';
import type { Attempt, Authorization, HttpMethod, Target, Task } from '../../core/model.ts';
import { encodeMessage, taskV2Type } from '../schema.ts';
import type { Plain } from '../schema.ts';
import { routingFromProto, routingToProto } from './routing.ts';
import { durationFromProto, durationToProto, instantFromProto, instantToProto } from './time.ts';

type V2 = typeof protos.google.cloud.tasks.v2;
type TaskMessage = protos.google.cloud.tasks.v2.ITask;
type HttpRequestMessage = protos.google.cloud.tasks.v2.IHttpRequest;
type AppEngineHttpRequestMessage = protos.google.cloud.tasks.v2.IAppEngineHttpRequest;
type AttemptMessage = protos.google.cloud.tasks.v2.IAttempt;
type MethodMessage = HttpRequestMessage['httpMethod'];
type ViewMessage = TaskMessage['view'];

/** How much of a task an answer shows: BASIC leaves the body out. */
export type TaskView = Exclude<keyof V2['Task']['View'], 'VIEW_UNSPECIFIED'>;

/** BASIC where the request says nothing. */
export function viewFromProto(view: ViewMessage): TaskView {
  if (view === null || view === undefined || view === 'VIEW_UNSPECIFIED') return 'BASIC';
  if (view === 'BASIC' || view === 'FULL') return view;
  throw unknownEnum('response_view', 'Task.View', view);
}

/** What a caller says about a task. Output-only fields are passed over. */
export function taskFromProto(message: TaskMessage | null | undefined): TaskInput {
  return {
    name: message?.name || undefined,
    target: targetFromProto(message),
    scheduleAt: instantFromProto(message?.scheduleTime, 'task.schedule_time'),
    dispatchDeadlineMs: durationFromProto(message?.dispatchDeadline, 'task.dispatch_deadline'),
  };
}

function targetFromProto(message: TaskMessage | null | undefined): TargetInput | undefined {
  if (message?.httpRequest) return httpTargetFromProto(message.httpRequest);
  if (message?.appEngineHttpRequest) return appEngineTargetFromProto(message.appEngineHttpRequest);
  return undefined;
}

function httpTargetFromProto(message: HttpRequestMessage): TargetInput {
  return {
    kind: 'http',
    url: message.url ?? undefined,
    method: methodFromProto(message.httpMethod, 'task.http_request.http_method'),
    headers: message.headers ?? undefined,
    body: (message.body ?? undefined) as Uint8Array | undefined,
    authorization: authorizationFromProto(message),
  };
}

function appEngineTargetFromProto(message: AppEngineHttpRequestMessage): TargetInput {
  return {
    kind: 'appEngine',
    relativeUri: message.relativeUri || undefined,
    method: methodFromProto(message.httpMethod, 'task.app_engine_http_request.http_method'),
    headers: message.headers ?? undefined,
    body: (message.body ?? undefined) as Uint8Array | undefined,
    routing: routingFromProto(message.appEngineRouting),
  };
}

function methodFromProto(method: MethodMessage, field: string): HttpMethod | undefined {
  if (method === null || method === undefined || method === 'HTTP_METHOD_UNSPECIFIED') return undefined;
  if (typeof method === 'string') return method;
  throw unknownEnum(field, 'HttpMethod', method);
}

function authorizationFromProto(message: HttpRequestMessage): Authorization | undefined {
  if (message.oidcToken) {
    const { serviceAccountEmail, audience } = message.oidcToken;
    return { kind: 'oidc', serviceAccountEmail: serviceAccountEmail ?? '', ...(audience && { audience }) };
  }
  if (message.oauthToken) {
    const { serviceAccountEmail, scope } = message.oauthToken;
    return { kind: 'oauth', serviceAccountEmail: serviceAccountEmail ?? '', ...(scope && { scope }) };
  }
  return undefined;
}

/** Bytes of a task as the service stores it. */
export function storedSizeOf(task: Task): number {
  return encodeMessage(taskV2Type, taskToProto(task, 'FULL') as Plain).length;
}

export function taskToProto(task: Task, view: TaskView): TaskMessage {
  return {
    name: task.name,
    ...targetToProto(task.target, view),
    scheduleTime: instantToProto(task.scheduleAt),
    createTime: instantToProto(task.createAt),
    dispatchDeadline: durationToProto(task.dispatchDeadlineMs),
    dispatchCount: task.dispatchCount,
    responseCount: task.responseCount,
    ...(task.firstAttempt && { firstAttempt: attemptToProto(task.firstAttempt) }),
    ...(task.lastAttempt && { lastAttempt: attemptToProto(task.lastAttempt) }),
    view,
  };
}

function targetToProto(target: Target, view: TaskView): TaskMessage {
  const common = {
    httpMethod: target.method,
    headers: { ...target.headers },
    ...(view === 'FULL' && target.body.length > 0 && { body: target.body }),
  };
  switch (target.kind) {
    case 'http':
      return {
        httpRequest: { url: target.url, ...common, ...authorizationToProto(target.authorization) },
      };
    case 'appEngine':
      return {
        appEngineHttpRequest: {
          relativeUri: target.relativeUri,
          ...common,
          ...(target.routing && { appEngineRouting: routingToProto(target.routing) }),
        },
      };
  }
}

function authorizationToProto(authorization: Authorization | undefined): HttpRequestMessage {
  if (authorization === undefined) return {};
  const { kind, ...token } = authorization;
  return kind === 'oidc' ? { oidcToken: token } : { oauthToken: token };
}

function attemptToProto(attempt: Attempt): AttemptMessage {
  return {
    dispatchTime: instantToProto(attempt.dispatchAt),
    ...(attempt.scheduleAt !== undefined && { scheduleTime: instantToProto(attempt.scheduleAt) }),
    ...(attempt.responseAt !== undefined && { responseTime: instantToProto(attempt.responseAt) }),
    ...(attempt.responseStatus && { responseStatus: { ...attempt.responseStatus } }),
  };
}

/** Over gRPC an enum may hold a number that has no name. */
function unknownEnum(field: string, type: string, value: number): ApiError {
  return new ApiError(
    'INVALID_ARGUMENT',
    `Invalid value at '${field}' (type.googleapis.com/google.cloud.tasks.v2.${type}), ${value}`,
  );
}
