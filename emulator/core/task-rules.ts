import type { ApiError } from './errors.ts';
import { invalidArgument, invalidField } from './faults.ts';
import type {
  AppEngineTargetInput,
  HttpTargetInput,
  PullMessageInput,
  TargetInput,
  TaskInput,
} from './input.ts';
import type {
  AppEngineTarget,
  HttpMethod,
  HttpTarget,
  PullMessage,
  PushTarget,
  Target,
  Task,
} from './model.ts';
import { parseTaskName } from './names.ts';
import { formatPacific } from './pacific-time.ts';
import { newRetryConfig } from './queue-rules.ts';
import { storedAppEngineHeaders, storedHttpHeaders } from './stored-headers.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;

const DEFAULT_DEADLINE_MS = 10 * MINUTE_MS;
const MIN_DEADLINE_MS = 15 * SECOND_MS;
const MAX_SCHEDULE_AHEAD_MS = 720 * HOUR_MS;
const MAX_URL_LENGTH = 2083;
/** Of the tag of a pull task; it must be shorter. */
const MAX_TAG_LENGTH = 500;
/** In the service's own storage form. 1 MiB less 7 bytes: what was measured of the service. */
export const MAX_TASK_BYTES = 1_048_569;

const MAX_DEADLINE = {
  http: { ms: 30 * MINUTE_MS, text: '30m' },
  appEngine: { ms: 24 * HOUR_MS + 15 * SECOND_MS, text: '24h15s' },
} as const;

const METHODS_WITH_BODY: Readonly<Record<PushTarget['kind'], ReadonlySet<HttpMethod>>> = {
  http: new Set(['POST', 'PUT', 'PATCH']),
  appEngine: new Set(['POST', 'PUT']),
};

/** Throws INVALID_ARGUMENT unless `name` is well formed and names a task of `queue`. */
export function checkTaskName(name: string, queue: string): void {
  const named = parseTaskName(name).queue;
  if (named !== queue) {
    throw invalidArgument(
      `The queue name from request ('${queue}') must be the same as the queue name in the named task ('${named}').`,
    );
  }
}

/**
 * The task as the service keeps it, with defaults for all that the caller left out. It shares nothing with `input`, which the caller
 * may change afterwards. Throws INVALID_ARGUMENT.
 */
export function newTask(name: string, input: TaskInput, now: number): Task {
  if (input.target === undefined) throw invalidArgument('Task.payload_type is not set.');
  const target = newTarget(input.target);
  return {
    name,
    target,
    scheduleAt: newScheduleAt(input.scheduleAt, now),
    createAt: Math.floor(now / SECOND_MS) * SECOND_MS,
    dispatchDeadlineMs: newDeadlineMs(input.dispatchDeadlineMs, target.kind),
    ...(input.retryConfig !== undefined && { retryConfig: newRetryConfig(input.retryConfig) }),
    dispatchCount: 0,
    responseCount: 0,
    executionCount: 0,
  };
}

function newTarget(input: TargetInput): Target {
  // A copy, so that a small body never keeps the whole request it was cut from in memory.
  const body = new Uint8Array(input.body ?? []);
  return input.kind === 'pull' ? newPullMessage(input, body) : newPushTarget(input, body);
}

function newPullMessage({ tag }: PullMessageInput, body: Uint8Array): PullMessage {
  if (tag !== undefined && tag.length >= MAX_TAG_LENGTH) {
    const problem = `${tag.length} characters are too many; use less than ${MAX_TAG_LENGTH}.`;
    throw invalidField('task.pull_message.tag', problem);
  }
  return { kind: 'pull', body, ...(tag !== undefined && { tag }) };
}

function newPushTarget(input: HttpTargetInput | AppEngineTargetInput, body: Uint8Array): PushTarget {
  const method = input.method ?? 'POST';
  if (body.length > 0 && !METHODS_WITH_BODY[input.kind].has(method)) {
    const allowed = [...METHODS_WITH_BODY[input.kind]].join(', ');
    throw invalidField('task.body', `${method} takes no body; use ${allowed}, or leave the body out.`);
  }
  switch (input.kind) {
    case 'http':
      return newHttpTarget(input, method, body);
    case 'appEngine':
      return newAppEngineTarget(input, method, body);
  }
}

function newHttpTarget(input: HttpTargetInput, method: HttpMethod, body: Uint8Array): HttpTarget {
  const url = input.url ?? '';
  if (url === '') throw invalidArgument('HttpRequest.url is required.');
  if (!/^https?:\/\//i.test(url)) {
    throw invalidArgument("HttpTarget.url must start with 'http://' or 'https://'.");
  }
  if (url.length > MAX_URL_LENGTH) throw tooLong('task.http_request.url', url.length);
  return {
    kind: 'http',
    url,
    method,
    headers: storedHttpHeaders(input.headers ?? {}),
    body,
    ...(input.authorization !== undefined && { authorization: { ...input.authorization } }),
  };
}

function newAppEngineTarget(
  input: AppEngineTargetInput,
  method: HttpMethod,
  body: Uint8Array,
): AppEngineTarget {
  const field = 'task.app_engine_http_request.relative_uri';
  const relativeUri = input.relativeUri || '/';
  if (!relativeUri.startsWith('/')) throw invalidField(field, `"${relativeUri}" must begin with "/".`);
  if (relativeUri.includes(' ')) throw invalidField(field, `"${relativeUri}" must not contain spaces.`);
  if (relativeUri.length > MAX_URL_LENGTH) throw tooLong(field, relativeUri.length);
  return {
    kind: 'appEngine',
    relativeUri,
    method,
    headers: storedAppEngineHeaders(input.headers ?? {}, body),
    body,
    ...(input.routing !== undefined && { routing: { ...input.routing } }),
  };
}

function newScheduleAt(scheduleAt: number | undefined, now: number): number {
  if (scheduleAt === undefined || scheduleAt <= now) return now;
  if (!(scheduleAt <= now + MAX_SCHEDULE_AHEAD_MS)) {
    throw invalidArgument(
      `The Task.scheduleTime, ${formatPacific(scheduleAt)}, is too far in the future. ` +
        'Schedule time must be no more than 720h in the future.',
    );
  }
  return scheduleAt;
}

function newDeadlineMs(deadlineMs: number | undefined, kind: Target['kind']): number {
  if (deadlineMs === undefined || kind === 'pull' || (deadlineMs === 0 && kind === 'appEngine'))
    return DEFAULT_DEADLINE_MS;
  const max = MAX_DEADLINE[kind];
  if (!(deadlineMs >= MIN_DEADLINE_MS && deadlineMs <= max.ms)) {
    throw invalidArgument(`Task.dispatchDeadline must be between [15s, ${max.text}].`);
  }
  return Math.floor(deadlineMs);
}

function tooLong(field: string, length: number): ApiError {
  return invalidField(field, `${length} characters are more than the ${MAX_URL_LENGTH} allowed.`);
}
