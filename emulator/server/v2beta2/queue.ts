import type { protos } from '@google-cloud/tasks';
import type { QueueMessage } from '../messages/queue.ts';
import type { Plain } from '../schema.ts';

type V2Beta2 = protos.google.cloud.tasks.v2beta2.IQueue;

export function queueFrom(message: Plain): QueueMessage {
  const { appEngineHttpTarget, pullTarget, rateLimits, retryConfig, ...queue } = message;
  return {
    ...queue,
    ...(appEngineHttpTarget as object | undefined),
    ...(pullTarget !== undefined && { type: 'PULL' }),
    ...(rateLimits !== undefined && { rateLimits: rateLimitsFrom(rateLimits as object) }),
    ...(retryConfig !== undefined && { retryConfig: retryConfigFrom(retryConfig as object) }),
  };
}

function rateLimitsFrom(limits: NonNullable<V2Beta2['rateLimits']>): NonNullable<QueueMessage['rateLimits']> {
  return {
    ...(limits.maxTasksDispatchedPerSecond && { maxDispatchesPerSecond: limits.maxTasksDispatchedPerSecond }),
    ...(limits.maxBurstSize && { maxBurstSize: limits.maxBurstSize }),
    ...(limits.maxConcurrentTasks && { maxConcurrentDispatches: limits.maxConcurrentTasks }),
  };
}

function retryConfigFrom(
  config: NonNullable<V2Beta2['retryConfig']>,
): NonNullable<QueueMessage['retryConfig']> {
  const { unlimitedAttempts, ...rest } = config;
  return unlimitedAttempts ? { ...rest, maxAttempts: -1 } : rest;
}

export function queueTo(message: QueueMessage): Plain {
  const { appEngineRoutingOverride, rateLimits, retryConfig, type, ...queue } = message;
  if (type === 'PULL') {
    // What a pull queue does not do has no limits.
    const { maxAttempts } = retryConfigTo(retryConfig);
    return { ...queue, pullTarget: {}, retryConfig: { maxAttempts } };
  }
  return {
    ...queue,
    ...(appEngineRoutingOverride && { appEngineHttpTarget: { appEngineRoutingOverride } }),
    rateLimits: {
      maxTasksDispatchedPerSecond: rateLimits?.maxDispatchesPerSecond,
      maxBurstSize: rateLimits?.maxBurstSize,
      maxConcurrentTasks: rateLimits?.maxConcurrentDispatches,
    },
    retryConfig: retryConfigTo(retryConfig),
  };
}

function retryConfigTo(config: QueueMessage['retryConfig']): Plain {
  const { maxAttempts, ...rest } = config ?? {};
  return maxAttempts === -1 ? { ...rest, unlimitedAttempts: true } : { ...rest, maxAttempts };
}

const MASK_PATHS: Readonly<Record<string, string>> = {
  app_engine_http_target: 'app_engine_routing_override',
  pull_target: 'type',
  'rate_limits.max_tasks_dispatched_per_second': 'rate_limits.max_dispatches_per_second',
  'rate_limits.max_concurrent_tasks': 'rate_limits.max_concurrent_dispatches',
  'retry_config.unlimited_attempts': 'retry_config.max_attempts',
};

export function maskPath(path: string): string {
  return MASK_PATHS[path] ?? path.replace(/^app_engine_http_target\.(?=app_engine_routing_override)/, '');
}
