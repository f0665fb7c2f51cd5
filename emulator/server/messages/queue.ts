import type { protos } from '@google-cloud/tasks';
import { ApiError } from '../../core/errors.ts';
import type { QueueInput } from '../../core/input.ts';
import type { Queue, RateLimits, RetryConfig } from '../../core/model.ts';
import { httpTargetFromProto, httpTargetToProto } from './http-target.ts';
import { routingFromProto, routingToProto } from './routing.ts';
import { durationFromProto, durationToProto, instantToProto } from './time.ts';

type V2Beta3Queue = protos.google.cloud.tasks.v2beta3.IQueue;

/** A queue as v2 has it, with what the later versions add to it. Each version maps its own form to and from this one. */
export type QueueMessage = protos.google.cloud.tasks.v2.IQueue &
  Pick<V2Beta3Queue, 'httpTarget' | 'type' | 'taskTtl' | 'tombstoneTtl'>;
type RateLimitsMessage = protos.google.cloud.tasks.v2.IRateLimits;
type RetryConfigMessage = protos.google.cloud.tasks.v2.IRetryConfig;

/** What a caller says about a queue. Output-only fields are passed over. */
export function queueFromProto(message: QueueMessage | null | undefined): QueueInput {
  return {
    name: message?.name || undefined,
    rateLimits: rateLimitsFromProto(message?.rateLimits),
    retryConfig: retryConfigFromProto(message?.retryConfig),
    appEngineRoutingOverride: routingFromProto(message?.appEngineRoutingOverride),
    loggingSamplingRatio: finite(
      message?.stackdriverLoggingConfig?.samplingRatio,
      'queue.stackdriver_logging_config.sampling_ratio',
    ),
    httpTarget: httpTargetFromProto(message?.httpTarget),
    isPull: message?.type === 'PULL',
    taskTtlMs: durationFromProto(message?.taskTtl, 'queue.task_ttl'),
    tombstoneTtlMs: durationFromProto(message?.tombstoneTtl, 'queue.tombstone_ttl'),
  };
}

function rateLimitsFromProto(message: RateLimitsMessage | null | undefined): QueueInput['rateLimits'] {
  if (message === null || message === undefined) return undefined;
  return {
    maxDispatchesPerSecond: finite(
      message.maxDispatchesPerSecond,
      'queue.rate_limits.max_dispatches_per_second',
    ),
    maxBurstSize: message.maxBurstSize ?? undefined,
    maxConcurrentDispatches: message.maxConcurrentDispatches ?? undefined,
  };
}

export function retryConfigFromProto(
  message: RetryConfigMessage | null | undefined,
): QueueInput['retryConfig'] {
  if (message === null || message === undefined) return undefined;
  return {
    maxAttempts: message.maxAttempts ?? undefined,
    maxRetryDurationMs: durationFromProto(message.maxRetryDuration, 'queue.retry_config.max_retry_duration'),
    minBackoffMs: durationFromProto(message.minBackoff, 'queue.retry_config.min_backoff'),
    maxBackoffMs: durationFromProto(message.maxBackoff, 'queue.retry_config.max_backoff'),
    maxDoublings: message.maxDoublings ?? undefined,
  };
}

export function queueToProto(queue: Queue): QueueMessage {
  return {
    name: queue.name,
    state: queue.state,
    rateLimits: rateLimitsToProto(queue.rateLimits),
    retryConfig: retryConfigToProto(queue.retryConfig),
    ...(queue.purgeAt !== undefined && { purgeTime: instantToProto(queue.purgeAt) }),
    ...(queue.appEngineRoutingOverride && {
      appEngineRoutingOverride: routingToProto(queue.appEngineRoutingOverride),
    }),
    ...(queue.loggingSamplingRatio !== undefined && {
      stackdriverLoggingConfig: { samplingRatio: queue.loggingSamplingRatio },
    }),
    ...(queue.httpTarget && { httpTarget: httpTargetToProto(queue.httpTarget) }),
    type: queue.isPull ? 'PULL' : 'PUSH',
    ...(queue.taskTtlMs !== undefined && { taskTtl: durationToProto(queue.taskTtlMs) }),
    ...(queue.tombstoneTtlMs !== undefined && { tombstoneTtl: durationToProto(queue.tombstoneTtlMs) }),
  };
}

function rateLimitsToProto(limits: RateLimits): RateLimitsMessage {
  return { ...limits };
}

export function retryConfigToProto(config: RetryConfig): RetryConfigMessage {
  return {
    maxAttempts: config.maxAttempts,
    minBackoff: durationToProto(config.minBackoffMs),
    maxBackoff: durationToProto(config.maxBackoffMs),
    maxDoublings: config.maxDoublings,
    // The service leaves it out where there is no limit.
    ...(config.maxRetryDurationMs > 0 && { maxRetryDuration: durationToProto(config.maxRetryDurationMs) }),
  };
}

/** A `double` may also be NaN or infinite on the wire. */
function finite(value: number | null | undefined, field: string): number | undefined {
  if (value === null || value === undefined) return undefined;
  if (!Number.isFinite(value)) {
    throw new ApiError('INVALID_ARGUMENT', `Invalid value at '${field}' (TYPE_DOUBLE), ${value}`);
  }
  return value;
}
