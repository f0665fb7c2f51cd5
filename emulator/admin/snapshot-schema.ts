import { z } from 'zod';
import { MAX_RATE_LIMITS } from '../core/queue-rules.ts';

/** An instant or a duration, in ms. */
const instant = z.number();
const duration = z.number().min(0);
const count = z.int().min(0);
const method = z.enum(['POST', 'GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);
/** A task has at most 1 MiB. */
const base64 = z
  .string()
  .max(1_500_000, { abort: true })
  .refine((text) => Buffer.from(text, 'base64').toString('base64') === text, 'This is no base64.');
const headers = z.record(z.string(), z.string());

const retryConfig = z.strictObject({
  maxAttempts: z.int().min(-1),
  maxRetryDurationMs: duration,
  minBackoffMs: duration,
  maxBackoffMs: duration,
  maxDoublings: count,
});

const part = z.string().optional();
const routing = z.strictObject({ service: part, version: part, instance: part, host: part });

const authorization = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('oidc'),
    serviceAccountEmail: z.string(),
    audience: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('oauth'), serviceAccountEmail: z.string(), scope: z.string().optional() }),
]);

const queue = z.strictObject({
  name: z.string(),
  state: z.enum(['RUNNING', 'PAUSED', 'DISABLED']),
  rateLimits: z.strictObject({
    maxDispatchesPerSecond: z.number().gt(0).max(MAX_RATE_LIMITS.maxDispatchesPerSecond),
    maxBurstSize: z.int().min(1).max(MAX_RATE_LIMITS.maxBurstSize),
    maxConcurrentDispatches: z.int().min(1).max(MAX_RATE_LIMITS.maxConcurrentDispatches),
  }),
  retryConfig,
  purgeAt: instant.optional(),
  appEngineRoutingOverride: routing.optional(),
  loggingSamplingRatio: z.number().min(0).max(1).optional(),
  httpTarget: z
    .strictObject({
      uri: z
        .strictObject({
          scheme: z.enum(['http', 'https']).optional(),
          host: z.string().optional(),
          port: z.int().min(0).max(65_535).optional(),
          path: z.string().optional(),
          query: z.string().optional(),
          mode: z.enum(['always', 'ifNotExists']),
        })
        .optional(),
      method: method.optional(),
      headers,
      authorization: authorization.optional(),
    })
    .optional(),
  isPull: z.literal(true).optional(),
  taskTtlMs: duration.optional(),
  tombstoneTtlMs: duration.optional(),
  iamPolicy: z
    .strictObject({
      version: z.int(),
      bindings: z.array(z.strictObject({ role: z.string(), members: z.array(z.string()) })),
      etag: z.string(),
    })
    .optional(),
});

const attempt = z.strictObject({
  scheduleAt: instant.optional(),
  dispatchAt: instant,
  responseAt: instant.optional(),
  responseStatus: z.strictObject({ code: z.int(), message: z.string() }).optional(),
});

const task = z.strictObject({
  name: z.string(),
  target: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('http'),
      url: z.string(),
      method,
      headers,
      body: base64,
      authorization: authorization.optional(),
    }),
    z.strictObject({
      kind: z.literal('appEngine'),
      relativeUri: z.string(),
      method,
      headers,
      body: base64,
      routing: routing.optional(),
    }),
    z.strictObject({ kind: z.literal('pull'), body: base64, tag: z.string().optional() }),
  ]),
  retryConfig: retryConfig.optional(),
  scheduleAt: instant,
  createAt: instant,
  dispatchDeadlineMs: duration,
  dispatchCount: count,
  responseCount: count,
  executionCount: count,
  firstAttempt: attempt.optional(),
  lastAttempt: attempt.optional(),
  previousHttpStatus: z.int().optional(),
});

const heldNames = z.array(z.strictObject({ name: z.string(), freeAt: instant }));

/** What a snapshot of version 1 holds. Whether its names fit together is another matter. */
export const snapshotSchema: z.ZodType = z.strictObject({
  format: z.string(),
  version: z.literal(1),
  clock: z.strictObject({ state: z.enum(['frozen', 'running']), now: instant }),
  chance: z.int().min(0).max(4_294_967_295),
  queues: z.array(queue),
  tasks: z.array(task),
  heldQueueNames: heldNames,
  heldTaskNames: heldNames,
  tokensFullAt: z.record(z.string(), instant),
  kmsKeys: z.record(z.string(), z.string()),
});
