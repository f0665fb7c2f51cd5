import { z } from 'zod';

/** A duration as the API's JSON has it. */
export const seconds: z.ZodString = z
  .string()
  .regex(/^\d+(\.\d{1,9})?s$/, 'write seconds followed by "s", such as "0.5s" or "3600s"');

const rateLimits = z.strictObject({
  maxDispatchesPerSecond: z
    .number()
    .gt(0)
    .max(500)
    .optional()
    .describe('Attempts a second, more than 0 and at most 500; a fraction is allowed. Default 500.'),
  maxBurstSize: z
    .int()
    .min(1)
    .max(500)
    .optional()
    .describe('Attempts that may start at once after a quiet time, 1 to 500. Default: it follows the rate.'),
  maxConcurrentDispatches: z
    .int()
    .min(1)
    .max(5_000)
    .optional()
    .describe('Attempts that may wait for their response at the same time, 1 to 5000. Default 1000.'),
});

const retryConfig = z
  .strictObject({
    maxAttempts: z
      .int()
      .min(-1)
      .refine(
        (attempts) => attempts !== 0,
        'write -1 for no limit, or the number of attempts, the first included',
      )
      .optional()
      .describe('Attempts in all, the first one included; -1 means no limit. Default 100.'),
    maxRetryDuration: seconds
      .optional()
      .describe(
        'Time since the first attempt after which no retry starts; "0s" means no limit. Default "0s".',
      ),
    minBackoff: seconds.optional().describe('Wait before the first retry. Default "0.1s".'),
    maxBackoff: seconds.optional().describe('Longest wait between two attempts. Default "3600s".'),
    maxDoublings: z
      .int()
      .min(0)
      .optional()
      .describe('How many times the wait doubles before it grows by equal steps. Default 16.'),
  })
  .refine(
    ({ minBackoff, maxBackoff }) =>
      minBackoff === undefined || maxBackoff === undefined || secondsOf(minBackoff) <= secondsOf(maxBackoff),
    { path: ['minBackoff'], error: 'must not be longer than maxBackoff' },
  );

const method = z.enum(['POST', 'GET', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);

const httpTarget = z.strictObject({
  uriOverride: z
    .strictObject({
      scheme: z.enum(['HTTP', 'HTTPS']).optional(),
      host: z.string().optional(),
      port: z.union([z.int(), z.string().regex(/^\d{1,5}$/, 'write a number')]).optional(),
      pathOverride: z.strictObject({ path: z.string().optional() }).optional(),
      queryOverride: z.strictObject({ queryParams: z.string().optional() }).optional(),
      uriOverrideEnforceMode: z.enum(['ALWAYS', 'IF_NOT_EXISTS']).optional(),
    })
    .optional(),
  httpMethod: method.optional(),
  headerOverrides: z
    .array(z.strictObject({ header: z.strictObject({ key: z.string(), value: z.string().optional() }) }))
    .optional(),
  oidcToken: z.strictObject({ serviceAccountEmail: z.string(), audience: z.string().optional() }).optional(),
  oauthToken: z.strictObject({ serviceAccountEmail: z.string(), scope: z.string().optional() }).optional(),
});

const routing = z.strictObject({
  service: z.string().optional(),
  version: z.string().optional(),
  instance: z.string().optional(),
  host: z.string().optional(),
});

const queue = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,100}$/, 'a queue id has 1 to 100 letters, digits and hyphens')
    .describe('The queue id: 1 to 100 letters, digits and hyphens.'),
  rateLimits: rateLimits
    .optional()
    .describe('How fast tasks leave the queue; the field names of the Cloud Tasks API.'),
  retryConfig: retryConfig
    .optional()
    .describe('How failed tasks are tried again; the field names of the Cloud Tasks API.'),
  state: z
    .enum(['RUNNING', 'PAUSED', 'DISABLED'])
    .optional()
    .describe('PAUSED dispatches nothing until it is resumed. Default RUNNING.'),
  type: z
    .enum(['PUSH', 'PULL'])
    .optional()
    .describe('PULL: workers lease the tasks, over v2beta2. Default PUSH.'),
  taskTtl: seconds.optional().describe('How long a task may stay. Default 31 days.'),
  tombstoneTtl: seconds
    .optional()
    .describe('How long names of tasks stay taken. Default settings.taskNameReuseAfter.'),
  stackdriverLoggingConfig: z
    .strictObject({ samplingRatio: z.number().min(0).max(1).optional() })
    .optional()
    .describe('Which share of its operations is written to the task log, 0 to 1. Default 0.'),
  appEngineRoutingOverride: routing.optional().describe('Where its App Engine tasks go.'),
  httpTarget: httpTarget.optional().describe('What is laid over all of its HTTP tasks.'),
});

/** Queues, each with a name of its own. */
export const queueList: z.ZodType<QueueConfig[]> = z.array(queue).check((context) => {
  const seen = new Set<string>();
  context.value.forEach(({ name }, index) => {
    if (seen.has(name)) {
      const message = 'is the name of an earlier queue; each queue needs its own';
      context.issues.push({ code: 'custom', path: [index, 'name'], message, input: name });
    }
    seen.add(name);
  });
});

/**
 * A queue in the field names of the API, its name being an id. The emulator says the same in its own `QueueSettings`: neither knows the other,
 * and the compiler holds them together where the command line hands one over as the other.
 */
export interface QueueConfig {
  readonly name: string;
  readonly rateLimits?: object | undefined;
  readonly retryConfig?: object | undefined;
  readonly state?: 'RUNNING' | 'PAUSED' | 'DISABLED' | undefined;
  readonly type?: 'PUSH' | 'PULL' | undefined;
  readonly taskTtl?: string | undefined;
  readonly tombstoneTtl?: string | undefined;
  readonly stackdriverLoggingConfig?: object | undefined;
  readonly appEngineRoutingOverride?: object | undefined;
  readonly httpTarget?: object | undefined;
}

/** Of a duration such as `0.5s`. */
export function secondsOf(duration: string): number {
  return Number.parseFloat(duration);
}
