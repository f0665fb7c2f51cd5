import { invalidArgument } from './faults.ts';
import type { AppEngineRouting, Queue, QueueState, RetryConfig } from './model.ts';
import { shortId } from './names.ts';
import { MAX_RATE_LIMITS, newQueue, updatedQueue } from './queue-rules.ts';

/** One queue as a `queue.yaml` has it. What it leaves out goes to the file's own defaults, which are not those of the API. */
export interface QueueFileEntry {
  readonly id: string;
  readonly isPull: boolean;
  /** 0: the queue is paused. Every push queue has one, and no pull queue. */
  readonly ratePerSecond?: number | undefined;
  /** Default 5. */
  readonly bucketSize?: number | undefined;
  /** Default 1,000; what is out of range becomes the nearest that is allowed. */
  readonly maxConcurrentRequests?: number | undefined;
  readonly routing?: AppEngineRouting | undefined;
  readonly retry: {
    /** Attempts after the first; default no limit. */
    readonly limit?: number | undefined;
    /** Default no limit. */
    readonly ageLimitMs?: number | undefined;
    readonly minBackoffMs?: number | undefined;
    readonly maxBackoffMs?: number | undefined;
    /** 0 is a value here: the wait grows by equal steps from the start. */
    readonly maxDoublings?: number | undefined;
  };
}

export interface QueueFile {
  readonly queues: readonly QueueFileEntry[];
  /** Whether queues of the file that are paused or disabled run again. */
  readonly resumesPaused: boolean;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** App Engine kept tasks without end, and their names for 9 days. These are settled when the queue is created. */
const TTLS = { taskTtlMs: 3650 * DAY_MS, tombstoneTtlMs: 9 * DAY_MS } as const;
const DEFAULTS = { bucketSize: 5, maxConcurrentRequests: 1000, maxDoublings: 16 } as const;
const DEFAULT_BACKOFF = { minMs: 100, maxMs: 3_600_000 } as const;
const MASK = ['rate_limits', 'retry_config', 'app_engine_routing_override'] as const;
/** App Engine's own queue, which stays as it is when a file leaves it out. */
const DEFAULT_QUEUE = 'default';

/**
 * The queues that an upload makes or changes. The file is the whole truth: a queue of the location that it leaves out is disabled, however
 * it was made. Throws INVALID_ARGUMENT.
 */
export function queuesAfterUpload(
  location: string,
  current: readonly Queue[],
  { queues, resumesPaused }: QueueFile,
): readonly Queue[] {
  const byId = new Map(current.map((queue) => [shortId(queue.name), queue]));
  const named = new Set(queues.map(({ id }) => id));
  const uploaded = queues.map((entry) => {
    const known = byId.get(entry.id);
    const queue =
      known === undefined ? created(`${location}/queues/${entry.id}`, entry) : updated(known, entry);
    return { ...queue, state: stateAfter(known?.state, entry, resumesPaused) };
  });
  const disabled = [...byId]
    .filter(([id, { state }]) => !named.has(id) && id !== DEFAULT_QUEUE && state === 'RUNNING')
    .map(([, queue]) => ({ ...queue, state: 'DISABLED' as const }));
  return [...uploaded, ...disabled];
}

function created(name: string, entry: QueueFileEntry): Queue {
  return exactly(newQueue(name, { ...settingsOf(entry), ...TTLS, isPull: entry.isPull }), entry);
}

function updated(queue: Queue, entry: QueueFileEntry): Queue {
  if ((queue.isPull ?? false) !== entry.isPull) {
    const [kept, given] = entry.isPull ? ['push', 'pull'] : ['pull', 'push'];
    throw invalidArgument(
      `Invalid queue configuration. The queue "${entry.id}" is a ${kept} queue and cannot become a ${given} queue: ` +
        'delete it first, or give the new one another name.',
    );
  }
  // A rate of 0 pauses the queue and leaves the rate as it is.
  const rate = entry.ratePerSecond || queue.rateLimits.maxDispatchesPerSecond;
  return exactly(updatedQueue(queue, settingsOf({ ...entry, ratePerSecond: rate }), MASK), entry);
}

function settingsOf(entry: QueueFileEntry): Pick<Queue, 'retryConfig'> & Parameters<typeof newQueue>[1] {
  const { isPull, ratePerSecond, bucketSize, maxConcurrentRequests, routing } = entry;
  return {
    ...(!isPull && {
      rateLimits: {
        maxDispatchesPerSecond: ratePerSecond,
        maxBurstSize: bucketSize || DEFAULTS.bucketSize,
        maxConcurrentDispatches: Math.min(
          Math.max(maxConcurrentRequests ?? DEFAULTS.maxConcurrentRequests, 1),
          MAX_RATE_LIMITS.maxConcurrentDispatches,
        ),
      },
    }),
    retryConfig: retryOf(entry),
    appEngineRoutingOverride: routing,
  };
}

function retryOf({ retry }: QueueFileEntry): RetryConfig {
  const { limit, ageLimitMs = 0, maxDoublings = DEFAULTS.maxDoublings } = retry;
  // A backoff that is not said gives way to the one that is.
  const { minBackoffMs = Math.min(DEFAULT_BACKOFF.minMs, retry.maxBackoffMs ?? DEFAULT_BACKOFF.minMs) } =
    retry;
  const { maxBackoffMs = Math.max(DEFAULT_BACKOFF.maxMs, minBackoffMs) } = retry;
  return {
    maxAttempts: limit === undefined ? -1 : limit + 1,
    maxRetryDurationMs: ageLimitMs,
    minBackoffMs,
    maxBackoffMs,
    maxDoublings,
  };
}

/** In the API, 0 doublings are "not given"; in the file they are none. */
function exactly(queue: Queue, entry: QueueFileEntry): Queue {
  return { ...queue, retryConfig: retryOf(entry) };
}

function stateAfter(
  known: QueueState | undefined,
  { ratePerSecond }: QueueFileEntry,
  resumesPaused: boolean,
): QueueState {
  if (ratePerSecond === 0) return known === undefined || known === 'RUNNING' ? 'PAUSED' : known;
  return resumesPaused ? 'RUNNING' : (known ?? 'RUNNING');
}
