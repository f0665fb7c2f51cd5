import type { protos } from '@google-cloud/tasks';
import type { TargetInput, TaskInput } from '../../core/input.ts';
import type { Attempt, Target, Task } from '../../core/model.ts';
import { encodeMessage, taskV2Beta3Type, taskV2Type } from '../schema.ts';
import type { Plain } from '../schema.ts';
import { authorizationFromProto, authorizationToProto, methodFromProto } from './http-target.ts';
import { retryConfigFromProto, retryConfigToProto } from './queue.ts';
import { routingFromProto, routingToProto } from './routing.ts';
import { unknownEnum } from './unknown-enum.ts';
import { durationFromProto, durationToProto, instantFromProto, instantToProto } from './time.ts';

type V2 = typeof protos.google.cloud.tasks.v2;

/** A task as v2 has it, with what the other versions add to it. */
export type TaskMessage = protos.google.cloud.tasks.v2.ITask &
  Pick<protos.google.cloud.tasks.v2beta3.ITask, 'retryConfig' | 'pullMessage'>;

type HttpRequestMessage = protos.google.cloud.tasks.v2.IHttpRequest;
type AppEngineHttpRequestMessage = protos.google.cloud.tasks.v2.IAppEngineHttpRequest;
type AttemptMessage = protos.google.cloud.tasks.v2.IAttempt;

/** How much of a task an answer shows: BASIC leaves the body out. */
export type TaskView = Exclude<keyof V2['Task']['View'], 'VIEW_UNSPECIFIED'>;

/** BASIC where the request says nothing. */
export function viewFromProto(view: string | number | null | undefined): TaskView {
  if (view === null || view === undefined || view === 'VIEW_UNSPECIFIED') return 'BASIC';
  if (view === 'BASIC' || view === 'FULL') return view;
  throw unknownEnum('response_view', 'Task.View', Number(view));
}

/** What a caller says about a task. Output-only fields are passed over. */
export function taskFromProto(message: TaskMessage | null | undefined): TaskInput {
  return {
    name: message?.name || undefined,
    target: targetFromProto(message),
    scheduleAt: instantFromProto(message?.scheduleTime, 'task.schedule_time'),
    dispatchDeadlineMs: durationFromProto(message?.dispatchDeadline, 'task.dispatch_deadline'),
    retryConfig: retryConfigFromProto(message?.retryConfig),
  };
}

function targetFromProto(message: TaskMessage | null | undefined): TargetInput | undefined {
  if (message?.httpRequest) return httpRequestFromProto(message.httpRequest);
  if (message?.appEngineHttpRequest) return appEngineTargetFromProto(message.appEngineHttpRequest);
  if (message?.pullMessage) {
    const { payload, tag } = message.pullMessage;
    return { kind: 'pull', body: (payload ?? undefined) as Uint8Array | undefined, tag: tag || undefined };
  }
  return undefined;
}

function httpRequestFromProto(message: HttpRequestMessage): TargetInput {
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

/** Far from the service's limit of 1 MiB. */
const SMALL_BYTES = 2 ** 19;

/** Bytes of a task as the service stores it: exact for a large one, at least as many as they are for a small one. */
export function storedSizeOf(task: Task): number {
  // To encode every task would cost a copy of each.
  const bound = sizeBoundOf(task);
  if (bound < SMALL_BYTES) return bound;
  // v2 has no pull tasks.
  const type = task.target.kind === 'pull' ? taskV2Beta3Type : taskV2Type;
  return encodeMessage(type, taskToProto(task, 'FULL') as Plain).length;
}

/** No fewer bytes than the task takes: its texts have at most three a character, and the rest is of fixed size. */
function sizeBoundOf({ name, target }: Task): number {
  const texts = [
    name,
    ...('url' in target ? [target.url] : []),
    ...('headers' in target ? headerTexts(target) : []),
  ];
  const characters = texts.reduce((sum, text) => sum + text.length + 4, 0);
  return characters * 3 + target.body.length + 16_384;
}

function headerTexts({ headers }: { readonly headers: Readonly<Record<string, string>> }): string[] {
  return Object.entries(headers).flat();
}

export function taskToProto(task: Task, view: TaskView): TaskMessage {
  return {
    name: task.name,
    ...targetToProto(task.target, view),
    scheduleTime: instantToProto(task.scheduleAt),
    createTime: instantToProto(task.createAt),
    dispatchDeadline: durationToProto(task.dispatchDeadlineMs),
    ...(task.retryConfig && { retryConfig: retryConfigToProto(task.retryConfig) }),
    dispatchCount: task.dispatchCount,
    responseCount: task.responseCount,
    ...(task.firstAttempt && { firstAttempt: attemptToProto(task.firstAttempt) }),
    ...(task.lastAttempt && { lastAttempt: attemptToProto(task.lastAttempt) }),
    view,
  };
}

function targetToProto(target: Target, view: TaskView): TaskMessage {
  if (target.kind === 'pull') {
    const payload = view === 'FULL' && target.body.length > 0 && { payload: target.body };
    return { pullMessage: { ...payload, ...(target.tag !== undefined && { tag: target.tag }) } };
  }
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

function attemptToProto(attempt: Attempt): AttemptMessage {
  return {
    dispatchTime: instantToProto(attempt.dispatchAt),
    ...(attempt.scheduleAt !== undefined && { scheduleTime: instantToProto(attempt.scheduleAt) }),
    ...(attempt.responseAt !== undefined && { responseTime: instantToProto(attempt.responseAt) }),
    ...(attempt.responseStatus && { responseStatus: { ...attempt.responseStatus } }),
  };
}
