import type { ApiError } from './errors.ts';
import { invalidArgument, invalidField } from './faults.ts';
import { checkedHttpTarget } from './http-target.ts';
import type { Input, QueueInput } from './input.ts';
import type { AppEngineRouting, Queue, QueueHttpTarget, RateLimits, RetryConfig } from './model.ts';
import { burstSizeFor } from './rate.ts';

/** The most that each of a queue's limits may be. */
export const MAX_RATE_LIMITS: RateLimits = {
  maxDispatchesPerSecond: 500,
  maxBurstSize: 500,
  maxConcurrentDispatches: 5000,
};

const DEFAULT_RATE = { maxDispatchesPerSecond: 500, maxConcurrentDispatches: 1000 } as const;

const DEFAULT_RETRY: RetryConfig = {
  maxAttempts: 100,
  maxRetryDurationMs: 0,
  minBackoffMs: 100,
  maxBackoffMs: 3_600_000,
  maxDoublings: 16,
};

/** The fields that an update mask may name one by one, as proto paths, and where each stands in the model. */
const RATE_PATHS = {
  maxDispatchesPerSecond: 'rate_limits.max_dispatches_per_second',
  maxBurstSize: 'rate_limits.max_burst_size',
  maxConcurrentDispatches: 'rate_limits.max_concurrent_dispatches',
} as const;

const RETRY_PATHS = {
  maxAttempts: 'retry_config.max_attempts',
  maxRetryDurationMs: 'retry_config.max_retry_duration',
  minBackoffMs: 'retry_config.min_backoff',
  maxBackoffMs: 'retry_config.max_backoff',
  maxDoublings: 'retry_config.max_doublings',
} as const;

const ROUTING_PATHS = {
  service: 'app_engine_routing_override.service',
  version: 'app_engine_routing_override.version',
  instance: 'app_engine_routing_override.instance',
  host: 'app_engine_routing_override.host',
} as const;

const LOGGING_PATH = 'stackdriver_logging_config.sampling_ratio';

/** Where the parts of an HTTP target stand; what is deeper in them is replaced with them. */
const HTTP_TARGET_PATHS = {
  uri: 'http_target.uri_override',
  method: 'http_target.http_method',
  headers: 'http_target.header_overrides',
  authorization: 'http_target.oidc_token',
} as const;
const OAUTH_PATH = 'http_target.oauth_token';

const TTL_PATHS = { taskTtlMs: 'task_ttl', tombstoneTtlMs: 'tombstone_ttl' } as const;

/** Fields that only the service writes: naming them in a mask is allowed and does nothing. */
const OUTPUT_ONLY_PATHS = ['name', 'state', 'purge_time', 'type', 'stats'] as const;

const LEAF_PATHS: readonly string[] = [
  ...Object.values(RATE_PATHS),
  ...Object.values(RETRY_PATHS),
  ...Object.values(ROUTING_PATHS),
  ...Object.values(HTTP_TARGET_PATHS),
  OAUTH_PATH,
  ...Object.values(TTL_PATHS),
  LOGGING_PATH,
  ...OUTPUT_ONLY_PATHS,
];

const KNOWN_PATHS: ReadonlySet<string> = new Set(
  LEAF_PATHS.flatMap((path) => (path.includes('.') ? [path, path.slice(0, path.indexOf('.'))] : [path])),
);

/** A new queue, running, with the service's defaults for all that the caller left out. Throws INVALID_ARGUMENT. */
export function newQueue(name: string, input: QueueInput): Queue {
  const routing = givenRouting(input.appEngineRoutingOverride ?? {});
  const samplingRatio = input.loggingSamplingRatio;
  if (samplingRatio !== undefined && !(samplingRatio >= 0 && samplingRatio <= 1)) {
    throw invalidField(`queue.${LOGGING_PATH}`, `${samplingRatio} is not between 0.0 and 1.0.`);
  }
  return {
    name,
    state: 'RUNNING',
    rateLimits: newRateLimits(input.rateLimits ?? {}),
    retryConfig: newRetryConfig(input.retryConfig ?? {}),
    ...(routing !== undefined && { appEngineRoutingOverride: routing }),
    ...(samplingRatio !== undefined && { loggingSamplingRatio: samplingRatio }),
    ...(input.httpTarget !== undefined && { httpTarget: checkedHttpTarget(input.httpTarget) }),
    ...(input.isPull === true && { isPull: true }),
    ...checkedTtls(input),
  };
}

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const TASK_TTL = { min: 10 * DAY_MS, max: 3650 * DAY_MS, text: '10 days to 10 years' } as const;
const TOMBSTONE_TTL = { min: HOUR_MS, max: 9 * DAY_MS, text: '1 hour to 9 days' } as const;

function checkedTtls({ taskTtlMs, tombstoneTtlMs }: QueueInput): Pick<Queue, 'taskTtlMs' | 'tombstoneTtlMs'> {
  const check = (ms: number, range: typeof TASK_TTL | typeof TOMBSTONE_TTL, field: string): number => {
    if (ms >= range.min && ms <= range.max) return ms;
    throw invalidField(`queue.${field}`, `${ms / 1000} s is out of range; use ${range.text}.`);
  };
  return {
    ...(taskTtlMs !== undefined && { taskTtlMs: check(taskTtlMs, TASK_TTL, TTL_PATHS.taskTtlMs) }),
    ...(tombstoneTtlMs !== undefined && {
      tombstoneTtlMs: check(tombstoneTtlMs, TOMBSTONE_TTL, TTL_PATHS.tombstoneTtlMs),
    }),
  };
}

/**
 * The queue with the masked fields as `input` has them; a masked field that `input` leaves out goes back to its default. Output-only
 * fields stay as they are.
 *
 * @param maskPaths Proto paths such as `rate_limits` or `retry_config.max_attempts`. None, or `*`, stands for every field.
 */
export function updatedQueue(current: Queue, input: QueueInput, maskPaths: readonly string[]): Queue {
  const isMasked = maskTest(maskPaths);
  const pick = <T>(paths: Record<string, string>, kept: Input<T>, given: Input<T> | undefined): Input<T> => {
    const picked = Object.entries(paths).map(([field, path]) => {
      const source: Input<T> | undefined = isMasked(path) ? given : kept;
      return [field, source?.[field as keyof T]];
    });
    return Object.fromEntries(picked) as Input<T>;
  };
  const fresh = newQueue(current.name, {
    rateLimits: pick<RateLimits>(
      RATE_PATHS,
      // As the service does: whatever is updated, the burst size that is not given anew follows the rate again.
      { ...current.rateLimits, maxBurstSize: undefined },
      input.rateLimits,
    ),
    retryConfig: pick<RetryConfig>(RETRY_PATHS, current.retryConfig, input.retryConfig),
    appEngineRoutingOverride: givenRouting(
      pick<AppEngineRouting>(
        ROUTING_PATHS,
        current.appEngineRoutingOverride ?? {},
        input.appEngineRoutingOverride,
      ),
    ),
    httpTarget: updatedHttpTarget(current.httpTarget, input.httpTarget, isMasked),
    isPull: current.isPull,
    ...pick<Pick<Queue, keyof typeof TTL_PATHS>>(TTL_PATHS, current, input),
    loggingSamplingRatio: isMasked(LOGGING_PATH) ? input.loggingSamplingRatio : current.loggingSamplingRatio,
  });
  return {
    ...fresh,
    state: current.state,
    ...(current.purgeAt !== undefined && { purgeAt: current.purgeAt }),
    ...(current.iamPolicy !== undefined && { iamPolicy: current.iamPolicy }),
  };
}

function updatedHttpTarget(
  kept: QueueHttpTarget | undefined,
  given: QueueHttpTarget | undefined,
  isMasked: (path: string) => boolean,
): QueueHttpTarget | undefined {
  const from = (path: string): QueueHttpTarget | undefined => (isMasked(path) ? given : kept);
  const uri = from(HTTP_TARGET_PATHS.uri)?.uri;
  const method = from(HTTP_TARGET_PATHS.method)?.method;
  const headers = from(HTTP_TARGET_PATHS.headers)?.headers ?? {};
  const isTokenMasked = isMasked(HTTP_TARGET_PATHS.authorization) || isMasked(OAUTH_PATH);
  const authorization = (isTokenMasked ? given : kept)?.authorization;
  const target = {
    ...(uri !== undefined && { uri }),
    ...(method !== undefined && { method }),
    ...(authorization !== undefined && { authorization }),
  };
  const isEmpty = Object.keys(target).length === 0 && Object.keys(headers).length === 0;
  return isEmpty ? undefined : { ...target, headers };
}

function maskTest(maskPaths: readonly string[]): (leaf: string) => boolean {
  if (maskPaths.length === 0 || maskPaths.includes('*')) return () => true;
  const paths = maskPaths.map(withoutParts);
  for (const path of paths) {
    if (!KNOWN_PATHS.has(path)) {
      throw invalidField(
        'update_mask',
        `"${path}" is no field of a queue; use paths such as ${RETRY_PATHS.maxAttempts}.`,
      );
    }
  }
  const masked = new Set(paths);
  return (leaf) => masked.has(leaf) || masked.has(leaf.slice(0, leaf.indexOf('.')));
}

/** A path into a part that is replaced as a whole, such as `http_target.oidc_token.audience`, cut to that part. */
function withoutParts(path: string): string {
  return path.startsWith('http_target.') ? path.split('.').slice(0, 2).join('.') : path;
}

function newRateLimits(input: Input<RateLimits>): RateLimits {
  // On the wire 0 and "not given" are the same. The burst size is the service's own choice where the API lets nobody set it.
  const maxDispatchesPerSecond = input.maxDispatchesPerSecond || DEFAULT_RATE.maxDispatchesPerSecond;
  const maxConcurrentDispatches = input.maxConcurrentDispatches || DEFAULT_RATE.maxConcurrentDispatches;
  const limits: RateLimits = {
    maxDispatchesPerSecond,
    maxBurstSize: input.maxBurstSize || burstSizeFor(maxDispatchesPerSecond),
    maxConcurrentDispatches,
  };
  for (const name of ['maxDispatchesPerSecond', 'maxConcurrentDispatches', 'maxBurstSize'] as const) {
    const field = `RateLimits.${name}`;
    if (limits[name] < 0) throw tooSmall(field);
    if (!(limits[name] <= MAX_RATE_LIMITS[name])) throw tooLarge(field, MAX_RATE_LIMITS[name]);
  }
  return limits;
}

/** A retry policy with the service's defaults for what is left out. Throws INVALID_ARGUMENT. */
export function newRetryConfig(input: Input<RetryConfig>): RetryConfig {
  const config: RetryConfig = {
    maxAttempts: input.maxAttempts || DEFAULT_RETRY.maxAttempts,
    maxRetryDurationMs: input.maxRetryDurationMs ?? DEFAULT_RETRY.maxRetryDurationMs,
    minBackoffMs: input.minBackoffMs ?? DEFAULT_RETRY.minBackoffMs,
    maxBackoffMs: input.maxBackoffMs ?? DEFAULT_RETRY.maxBackoffMs,
    maxDoublings: input.maxDoublings || DEFAULT_RETRY.maxDoublings,
  };
  if (config.maxAttempts < -1)
    throw invalidArgument('RetryConfig.maxAttempts must be greater or equal to -1.');
  if (config.maxRetryDurationMs < 0) throw tooSmall('RetryConfig.maxRetryDuration');
  if (config.maxDoublings < 0) throw tooSmall('RetryConfig.maxDoublings');
  if (config.minBackoffMs < 0) throw tooSmall('RetryConfig.minBackoff');
  if (config.maxBackoffMs < 0) throw tooSmall('RetryConfig.maxBackoff');
  if (config.minBackoffMs > config.maxBackoffMs) {
    throw invalidArgument('RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.');
  }
  return config;
}

/** The parts of a routing that name something; none at all counts as no routing. */
function givenRouting(routing: Input<AppEngineRouting>): AppEngineRouting | undefined {
  const given = Object.entries(routing).filter(([, value]) => value !== undefined && value !== '');
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function tooSmall(field: string): ApiError {
  return invalidArgument(`${field} cannot be negative.`);
}

function tooLarge(field: string, limit: number): ApiError {
  return invalidArgument(`${field} must be less than or equal to ${limit}.`);
}
