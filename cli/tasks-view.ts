import type { protos } from '@google-cloud/tasks';

type Wire = typeof protos.google.cloud.tasks.v2;
type WireQueue = InstanceType<Wire['Queue']> | protos.google.cloud.tasks.v2.IQueue;
type WireTask = protos.google.cloud.tasks.v2.ITask;
type WireAttempt = protos.google.cloud.tasks.v2.IAttempt;
type WireTime = protos.google.protobuf.ITimestamp;
type WireDuration = protos.google.protobuf.IDuration;

/** A queue in the API's own JSON form. */
export interface QueueView {
  readonly name: string;
  readonly state: string;
  readonly rateLimits: {
    readonly maxDispatchesPerSecond: number;
    readonly maxBurstSize: number;
    readonly maxConcurrentDispatches: number;
  };
  readonly retryConfig: {
    readonly maxAttempts: number;
    readonly maxRetryDuration?: string;
    readonly minBackoff: string;
    readonly maxBackoff: string;
    readonly maxDoublings: number;
  };
  readonly purgeTime?: string;
}

export function viewQueue({ name, state, rateLimits, retryConfig, purgeTime }: WireQueue): QueueView {
  const maxRetryDuration = retryConfig?.maxRetryDuration;
  return {
    name: name ?? '',
    state: String(state ?? ''),
    rateLimits: {
      maxDispatchesPerSecond: rateLimits?.maxDispatchesPerSecond ?? 0,
      maxBurstSize: rateLimits?.maxBurstSize ?? 0,
      maxConcurrentDispatches: rateLimits?.maxConcurrentDispatches ?? 0,
    },
    retryConfig: {
      maxAttempts: retryConfig?.maxAttempts ?? 0,
      ...(maxRetryDuration ? { maxRetryDuration: durationText(maxRetryDuration) } : {}),
      minBackoff: durationText(retryConfig?.minBackoff),
      maxBackoff: durationText(retryConfig?.maxBackoff),
      maxDoublings: retryConfig?.maxDoublings ?? 0,
    },
    ...(purgeTime ? { purgeTime: timeText(purgeTime) } : {}),
  };
}

/** A task in the API's JSON form, but with its body as text. */
export interface TaskView {
  readonly name: string;
  readonly createTime: string;
  readonly scheduleTime: string;
  readonly dispatchCount: number;
  readonly responseCount: number;
  readonly firstAttempt?: AttemptView;
  readonly lastAttempt?: AttemptView;
  readonly httpRequest?: {
    readonly url: string;
    readonly httpMethod: string;
    readonly headers: Readonly<Record<string, string>>;
    /** Only where the full view was asked for. */
    readonly body?: string;
  };
  readonly appEngineHttpRequest?: { readonly relativeUri: string; readonly httpMethod: string };
}

export interface AttemptView {
  readonly dispatchTime: string;
  readonly responseTime?: string;
  readonly responseStatus?: { readonly code: number; readonly message: string };
}

export function viewTask(task: WireTask): TaskView {
  const { httpRequest, appEngineHttpRequest, firstAttempt, lastAttempt } = task;
  return {
    name: task.name ?? '',
    createTime: timeText(task.createTime),
    scheduleTime: timeText(task.scheduleTime),
    dispatchCount: task.dispatchCount ?? 0,
    responseCount: task.responseCount ?? 0,
    ...(firstAttempt ? { firstAttempt: viewAttempt(firstAttempt) } : {}),
    ...(lastAttempt ? { lastAttempt: viewAttempt(lastAttempt) } : {}),
    ...(httpRequest ? { httpRequest: viewHttpRequest(httpRequest) } : {}),
    ...(appEngineHttpRequest
      ? {
          appEngineHttpRequest: {
            relativeUri: appEngineHttpRequest.relativeUri ?? '',
            httpMethod: String(appEngineHttpRequest.httpMethod ?? ''),
          },
        }
      : {}),
  };
}

function viewHttpRequest(
  request: protos.google.cloud.tasks.v2.IHttpRequest,
): NonNullable<TaskView['httpRequest']> {
  const body = request.body ? Buffer.from(request.body as Uint8Array).toString('utf8') : '';
  return {
    url: request.url ?? '',
    httpMethod: String(request.httpMethod ?? ''),
    headers: request.headers ?? {},
    ...(body === '' ? {} : { body }),
  };
}

function viewAttempt({ dispatchTime, responseTime, responseStatus }: WireAttempt): AttemptView {
  return {
    dispatchTime: timeText(dispatchTime),
    ...(responseTime ? { responseTime: timeText(responseTime) } : {}),
    ...(responseStatus
      ? { responseStatus: { code: responseStatus.code ?? 0, message: responseStatus.message ?? '' } }
      : {}),
  };
}

/** RFC 3339 with milliseconds; nothing where there is no time. */
function timeText(time: WireTime | null | undefined): string {
  if (!time) return '';
  return new Date(Number(time.seconds ?? 0) * 1000 + (time.nanos ?? 0) / 1e6).toISOString();
}

/** Seconds with an `s`, as the API writes durations. */
function durationText(duration: WireDuration | null | undefined): string {
  const seconds = Number(duration?.seconds ?? 0) + (duration?.nanos ?? 0) / 1e9;
  return `${seconds}s`;
}

/** The last part of a resource name. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
