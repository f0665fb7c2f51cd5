import type { AttemptRecord, Delivery } from '../admin/attempt-log.ts';
import { isSuccess } from '../core/attempt.ts';
import type { DispatchResult } from '../core/dispatch.ts';
import { entityNotFound } from '../core/faults.ts';
import type { Target, Task } from '../core/model.ts';
import { parseTaskName } from '../core/names.ts';
import { hiddenHeaders } from './hidden-headers.ts';
import { payloadOf } from './payload.ts';
import type { Sources } from './sources.ts';
import { stateOf } from './task-state.ts';

/** So many attempts are told at a time, newest first. */
const MAX_ATTEMPTS = 20;

/**
 * A task, also one that is gone as far as the history knows it, with the newest of its attempts.
 *
 * @param before only attempts with smaller numbers
 * @throws ApiError NOT_FOUND for one that nothing is known of, INVALID_ARGUMENT for what is no name of a task
 */
export function taskJson(name: string, sources: Sources, before: number = Number.POSITIVE_INFINITY): object {
  const { queue, taskId } = parseTaskName(name);
  const task = sources.getTask(name);
  const record = sources.history.find(name);
  const attempts = sources.attempts.attempts({ taskName: name });
  if (task === undefined && record === undefined && attempts.length === 0) throw entityNotFound();
  const dead = sources.graveyard.list({ queue }).findLast((each) => each.task.name === name);
  const kept = task ?? dead?.task;
  const state = task === undefined ? (record?.left ?? 'completed') : stateOf(task, sources);
  const wanted = attempts.filter(({ attempt }) => attempt < before);
  const shown = wanted.slice(-MAX_ATTEMPTS).toReversed();
  return {
    now: sources.now(),
    name,
    id: taskId,
    queue,
    state,
    isInGraveyard: dead !== undefined,
    createdAt: record?.createdAt ?? kept?.createAt,
    ...(record?.leftAt !== undefined && { leftAt: record.leftAt }),
    ...(record?.createdDuring !== undefined && { createdDuring: record.createdDuring }),
    ...(record?.traceId !== undefined && { traceId: record.traceId }),
    ...(task !== undefined && state !== 'out' && { scheduleAt: task.scheduleAt }),
    ...(kept === undefined ? requestOf(attempts.at(-1)) : keptJson(kept)),
    totalAttempts: kept?.dispatchCount ?? attempts.length,
    attempts: shown.map(attemptJson),
    ...(wanted.length > shown.length && { before: shown.at(-1)?.attempt }),
  };
}

function keptJson({ target, dispatchDeadlineMs }: Task): object {
  return { dispatchDeadlineMs, ...targetJson(target), payload: payloadOf(target.body) };
}

function targetJson(target: Target): object {
  switch (target.kind) {
    case 'http': {
      const { method, url, headers, authorization } = target;
      return { method, url, headers: hiddenHeaders(headers), ...(authorization && { authorization }) };
    }
    case 'appEngine':
      return { method: target.method, url: target.relativeUri, headers: hiddenHeaders(target.headers) };
    case 'pull':
      return { ...(target.tag !== undefined && { tag: target.tag }) };
  }
}

/** Of a task that is gone, its last request is what there is to tell. */
function requestOf(last: AttemptRecord | undefined): object {
  const delivery = last?.deliveries.at(-1);
  if (delivery === undefined) return {};
  const { method, url, body } = delivery;
  return { method, url, payload: payloadOf(body) };
}

function attemptJson({ attempt, startedAt, endedAt, outcome, result, deliveries }: AttemptRecord): object {
  return {
    attempt,
    startedAt,
    ...(endedAt !== undefined && { endedAt }),
    ...(outcome !== undefined && { outcome }),
    ...(result !== undefined && {
      result: resultText(result),
      hasSucceeded: isSuccess(result),
    }),
    deliveries: deliveries.map(deliveryJson),
  };
}

function deliveryJson({ method, url, headers, body, response, error }: Delivery): object {
  return {
    method,
    url,
    headers: hiddenHeaders(headers),
    payload: payloadOf(body),
    ...(response !== undefined && {
      response: {
        httpStatus: response.httpStatus,
        headers: hiddenHeaders(response.headers),
        payload: payloadOf(response.body),
        isTruncated: response.isTruncated,
      },
    }),
    ...(error !== undefined && { error }),
  };
}

function resultText(result: DispatchResult): string {
  switch (result.kind) {
    case 'response':
      return `HTTP ${result.httpStatus}`;
    case 'timeout':
      return 'no answer within the deadline';
    case 'unreachable':
      return result.reason;
  }
}
