import { z } from 'zod';
import type { AppEngineRouting } from '../../core/model.ts';
import type { QueueFile, QueueFileEntry } from '../../core/queue-file.ts';
import { YamlText } from './yaml-text.ts';

/** That there is this limit is documented; the words of its refusal are not known. */
const MAX_TOTAL_RATE = 500;
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
type Unit = keyof typeof SECONDS;

const text = (pattern: RegExp, form: string): z.ZodString => z.string(form).regex(pattern, form);
const whole = text(/^-?\d{1,9}$/, 'Write a whole number.').transform(Number);
const notNegative = (name: string): z.ZodType<number> =>
  whole.refine((value) => value >= 0, `${name} must not be less than zero.`);
const backoffMs = (name: string): z.ZodType<number> =>
  text(/^-?\d{1,9}(\.\d+)?$/, 'Write a number of seconds, such as 10 or 0.5.')
    .transform((value) => Number(value) * 1000)
    .refine((value) => value >= 0, `${name} must not be less than zero.`);

const rate = text(
  /^(0|\d{1,9}(\.\d*)?\/[smhd])$/,
  'Write a number of tasks and a unit of time (s, m, h or d), such as 5/s, or 0 to pause the queue.',
)
  .transform((value) => Number.parseFloat(value) / SECONDS[(value.split('/')[1] ?? 's') as Unit])
  .refine((value) => value <= 500, 'Refill rate must not exceed 500 per second.');

const ageLimitMs = text(/^\d{1,9}(\.\d*)?[smhd]$/, 'Write a number and a unit (s, m, h or d), such as 2d.')
  .transform((value) => Math.floor(Number.parseFloat(value) * SECONDS[value.at(-1) as Unit]) * 1000)
  .refine((value) => value > 0, 'Task age limit must be greater than zero.');

const target = text(
  /^((?!-)[a-z\d-]{1,100}\.)?(?!-)[a-z\d-]{1,63}$/,
  'Write the name of a service, or version.service.',
).transform((value): AppEngineRouting => {
  const [service = '', version] = value.split('.').toReversed();
  return { service, ...(version !== undefined && { version }) };
});

const entrySchema = z.strictObject({
  name: text(
    /^[A-Za-z0-9-]{1,100}$/,
    'Write a name of 1 to 100 letters ([A-Za-z]), numbers ([0-9]), or hyphens (-).',
  ),
  mode: z.enum(['push', 'pull'], 'Write push or pull.').default('push'),
  rate: rate.optional(),
  bucket_size: notNegative('Bucket size')
    .refine((size) => size <= 500, 'Maximum bucket size is 500.')
    .optional(),
  max_concurrent_requests: whole.optional(),
  target: target.optional(),
  retry_parameters: z
    .strictObject(
      {
        task_retry_limit: notNegative('Task retry limit').optional(),
        task_age_limit: ageLimitMs.optional(),
        min_backoff_seconds: backoffMs('Min backoff seconds').optional(),
        max_backoff_seconds: backoffMs('Max backoff seconds').optional(),
        max_doublings: notNegative('Max doublings').optional(),
      },
      'Write fields such as task_retry_limit, one a line.',
    )
    .default({}),
  // Who may use the queue: nobody asks here.
  acl: z
    .array(z.strictObject({ user_email: z.string().optional(), writer_email: z.string().optional() }))
    .optional(),
});

type Entry = z.infer<typeof entrySchema>;

const list = z.array(entrySchema, 'Write a list of queues, each beginning with "- name:".');

const fileSchema = z.strictObject(
  {
    // A key with nothing after it.
    queue: z.union([z.literal('').transform(() => []), list]).default([]),
    application: z.string().optional(),
    // Of the days when storage was a quota. The service reads it and does nothing with it.
    total_storage_limit: text(
      /^\d+(\.\d*)?[BKMGT]?$/,
      'Write a number and B, K, M, G or T, such as 120M.',
    ).optional(),
    resume_paused_queues: text(/^(true|false)$/i, 'Write True or False.').default('True'),
  },
  'Write "queue:" with a list of queues.',
);

/**
 * Reads App Engine's `queue.yaml`.
 *
 * @throws ApiError INVALID_ARGUMENT that names the line and the field of the first fault
 */
export function queueFileFromYaml(bytes: Uint8Array): QueueFile {
  const yaml = YamlText.parse(bytes);
  const read = fileSchema.safeParse(yaml.toPlain());
  if (!read.success) {
    const { path, message } = firstFault(read.error.issues);
    throw yaml.fault(path, message);
  }
  const seen = new Set<string>();
  const queues = read.data.queue.map((entry, index): QueueFileEntry => {
    if (seen.has(entry.name)) throw yaml.fault(['queue', index, 'name'], `"${entry.name}" is there twice.`);
    seen.add(entry.name);
    for (const [field, message] of refusals(entry)) throw yaml.fault(['queue', index, ...field], message);
    return fileEntry(entry);
  });
  const total = queues.reduce((sum, { ratePerSecond = 0 }) => sum + ratePerSecond, 0);
  // Of rates by the minute or the day the sum is not exact.
  if (total > MAX_TOTAL_RATE + 1e-6) {
    throw yaml.fault(
      ['queue'],
      `The rates of all queues together must not exceed ${MAX_TOTAL_RATE} per second; they are ${Number(total.toFixed(3))} per second.`,
    );
  }
  return { queues, resumesPaused: !/^false$/i.test(read.data.resume_paused_queues) };
}

function firstFault(issues: readonly z.core.$ZodIssue[]): { path: PropertyKey[]; message: string } {
  const [issue] = issues;
  if (issue?.code === 'invalid_union') {
    // The one reading is the empty text: the faults are those of the other.
    const inner = firstFault(issue.errors.at(-1) ?? []);
    return { ...inner, path: [...issue.path, ...inner.path] };
  }
  if (issue?.code === 'unrecognized_keys') {
    return { path: [...issue.path, issue.keys[0] ?? ''], message: 'There is no such field.' };
  }
  return { path: [...(issue?.path ?? [])], message: issue?.message ?? '' };
}

type Refusal = readonly [field: readonly string[], message: string];

/** What may not stand together, in the words of App Engine. */
function refusals({ mode, retry_parameters: retry, ...entry }: Entry): readonly Refusal[] {
  const { min_backoff_seconds: min, max_backoff_seconds: max } = retry;
  if (mode === 'push') {
    return [
      ...(entry.rate === undefined
        ? [[['rate'], 'Refill rate must be specified for push-based queue.'] as const]
        : []),
      ...(min !== undefined && max !== undefined && min > max
        ? [[['retry_parameters'], 'Min backoff sec must not be greater than max backoff sec.'] as const]
        : []),
    ];
  }
  const ofPush = ['rate', 'bucket_size', 'max_concurrent_requests', 'target'] as const;
  const ofRetry = ['task_age_limit', 'min_backoff_seconds', 'max_backoff_seconds', 'max_doublings'] as const;
  return [
    ...ofPush
      .filter((field) => entry[field] !== undefined)
      .map((field) => [[field], `${field} must not be specified for pull-based queue.`] as const),
    ...ofRetry
      .filter((field) => retry[field] !== undefined)
      .map((field) => [['retry_parameters', field], `Can't specify ${field} for a pull queue.`] as const),
  ];
}

function fileEntry({ name, mode, retry_parameters: retry, ...entry }: Entry): QueueFileEntry {
  return {
    id: name,
    isPull: mode === 'pull',
    ratePerSecond: entry.rate,
    bucketSize: entry.bucket_size,
    maxConcurrentRequests: entry.max_concurrent_requests,
    routing: entry.target,
    retry: {
      limit: retry.task_retry_limit,
      ageLimitMs: retry.task_age_limit,
      minBackoffMs: retry.min_backoff_seconds,
      maxBackoffMs: retry.max_backoff_seconds,
      maxDoublings: retry.max_doublings,
    },
  };
}
