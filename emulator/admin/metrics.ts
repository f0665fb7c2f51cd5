import type { EngineEvent } from '../engine/events.ts';
import { queueOfTask } from '../core/names.ts';
import { partsOf, statusOf } from './activity-log.ts';

/** What `/metrics` asks of the queues. */
export interface QueueGauges {
  listQueues(): readonly { readonly name: string }[];
  stats(queueName: string): { readonly taskCount: number; readonly effectiveRate: number };
}

/** Upper bounds, in ms, of how late attempts begin. */
const DELAY_BOUNDS = [1, 10, 100, 1000, 10_000, 60_000, 600_000, 3_600_000] as const;

interface Delays {
  /** Of each bound, how many were no later. */
  readonly counts: number[];
  sum: number;
  count: number;
}

const GOOGLE = 'cloudtasks_googleapis_com';
/** What Cloud Monitoring does not have. */
const OWN = 'pageturner_emulator';

/**
 * The metrics of Cloud Monitoring that tell of queues and calls, for Prometheus, by the names under which Google's own query language has
 * them: `cloudtasks.googleapis.com/queue/depth` is `cloudtasks_googleapis_com:queue_depth`; and what slows queues down, by a name of its own.
 * Counts are those since the start or a reset.
 */
export class Metrics {
  readonly #queues: QueueGauges;
  readonly #attempts = new Map<string, number>();
  readonly #calls = new Map<string, number>();
  readonly #delays = new Map<string, Delays>();
  readonly #slowed = new Map<string, number>();

  constructor(queues: QueueGauges) {
    this.#queues = queues;
  }

  readonly listener = (event: EngineEvent): void => {
    if (event.kind === 'restored') this.clear();
    if (event.kind === 'queueSlowed') {
      count(this.#slowed, `${queueLabels(event.queue.name)},reason="${event.reason}"`);
    }
    if (event.kind === 'attemptEnded') {
      count(this.#attempts, `${labelsOf(event.task.name)},response_code="${statusOf(event.status)}"`);
    }
    if (event.kind === 'attemptStarted') {
      const { name, lastAttempt } = event.task;
      this.#delayed(labelsOf(name), Math.max(0, event.at - (lastAttempt?.scheduleAt ?? event.at)));
    }
  };

  /** An RPC has been answered, over gRPC or REST. */
  readonly called = (method: string, code: string): void => {
    count(this.#calls, `api_method="${method}",response_code="${code}"`);
  };

  clear(): void {
    this.#attempts.clear();
    this.#calls.clear();
    this.#delays.clear();
    this.#slowed.clear();
  }

  /** In Prometheus's text format. */
  text(): string {
    const gauges = this.#queues
      .listQueues()
      .map(({ name }) => ({ labels: queueLabels(name), ...this.#queues.stats(name) }));
    const depths = gauges.map(({ labels, taskCount }) => [labels, taskCount] as const);
    const rates = gauges.map(({ labels, effectiveRate }) => [labels, effectiveRate] as const);
    const delays = [...this.#delays].flatMap(([labels, { counts, sum, count: all }]) => [
      ...DELAY_BOUNDS.map((bound, index) => [`_bucket{${labels},le="${bound}"}`, counts[index]] as const),
      [`_bucket{${labels},le="+Inf"}`, all] as const,
      [`_sum{${labels}}`, sum] as const,
      [`_count{${labels}}`, all] as const,
    ]);
    const google = family(GOOGLE);
    const own = family(OWN);
    return [
      google('queue_depth', 'gauge', 'Tasks in the queue.', depths.map(braced)),
      google('queue_task_attempt_count', 'counter', 'Attempts that ended.', [...this.#attempts].map(braced)),
      google('queue_task_attempt_delays', 'histogram', 'Ms from due to dispatched.', delays),
      google('api_request_count', 'counter', 'Calls of the API.', [...this.#calls].map(braced)),
      own('queue_effective_rate', 'gauge', 'Dispatches a second that are in force.', rates.map(braced)),
      own('queue_slowed_count', 'counter', 'Times that the rate was cut.', [...this.#slowed].map(braced)),
    ].join('');
  }

  #delayed(labels: string, ms: number): void {
    const delays = this.#delays.get(labels) ?? { counts: DELAY_BOUNDS.map(() => 0), sum: 0, count: 0 };
    for (const [index, bound] of DELAY_BOUNDS.entries()) {
      if (ms <= bound) delays.counts[index] = (delays.counts[index] ?? 0) + 1;
    }
    delays.sum += ms;
    delays.count += 1;
    this.#delays.set(labels, delays);
  }
}

type Sample = readonly [series: string, value: number | undefined];

type Family = (name: string, type: string, help: string, samples: readonly Sample[]) => string;

function family(prefix: string): Family {
  return (name, type, help, samples) => {
    const full = `${prefix}:${name}`;
    const lines = samples.map(([series, value = 0]) => `${full}${series} ${value}\n`);
    return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`;
  };
}

function braced([labels, value]: readonly [string, number]): Sample {
  return [`{${labels}}`, value];
}

function count(counts: Map<string, number>, labels: string): void {
  counts.set(labels, (counts.get(labels) ?? 0) + 1);
}

function labelsOf(taskName: string): string {
  return queueLabels(queueOfTask(taskName));
}

/** Names hold nothing that a label's value would have to escape. */
function queueLabels(queueName: string): string {
  const { project, location, queueId } = partsOf(queueName);
  return `project_id="${project}",location="${location}",queue_id="${queueId}"`;
}
