import { ApiError } from '../core/errors.ts';
import { invalidArgument, queueNotFound } from '../core/faults.ts';
import { LastMinute } from '../core/last-minute.ts';
import type { Queue, Task } from '../core/model.ts';
import { parseTaskName, shortId } from '../core/names.ts';
import {
  isNextInSequence,
  lacksContentType,
  NEW_QUEUE_DELAY_MS,
  QUEUE_NAME_REUSE_MS,
  refusalOfCall,
  refusalOfTask,
} from '../core/production-rules.ts';
import type { Call, Refusal, WarningKind } from '../core/production-rules.ts';
import { quotaExceeded, QUOTAS } from '../core/quotas.ts';
import type { SlowReason } from './events.ts';

/** `local` lets through what works on one machine and warns of it; `strict` refuses what the real service refuses. */
export type Profile = 'local' | 'strict';

/** Something that would go otherwise in production. */
export interface Warning {
  readonly kind: WarningKind;
  /** The queue, RPC or address that it is about. */
  readonly subject: string;
  /** One line for people, with the service's own error text where it would refuse. */
  readonly message: string;
}

export interface ProductionOptions {
  readonly profile?: Profile | undefined;
  /** Told once of each kind and subject. */
  readonly onWarning?: ((warning: Warning) => void) | undefined;
}

/** So many subjects are remembered; past them the oldest may be warned of again. */
const MAX_REMEMBERED = 10_000;

/** Holds what callers do against what the real service would say to it. */
export class Production {
  readonly #isStrict: boolean;
  readonly #onWarning: ProductionOptions['onWarning'];
  readonly #warned = new Set<string>();
  readonly #queueCreatedAt = new Map<string, number>();
  readonly #queueDeletedAt = new Map<string, number>();
  /** The requests that count against a quota, by what they are and their location or queue. */
  readonly #requests = new Map<string, LastMinute>();
  /** The last task id that a caller chose, by queue. */
  readonly #lastIds = new Map<string, string>();

  constructor({ profile = 'local', onWarning }: ProductionOptions = {}) {
    this.#isStrict = profile === 'strict';
    this.#onWarning = onWarning;
  }

  /** Throws in `strict`: the service makes no queue because a task is created in it. */
  checkAutoCreation(isWanted: boolean): void {
    if (!isWanted || !this.#isStrict) return;
    throw invalidArgument(
      'autoCreatesQueues cannot be had with the profile strict: the service makes no queue by itself. Declare the queues, or use the profile local.',
    );
  }

  /** Throws in `strict` what the front end of the service refuses a gRPC call for. */
  checkCall(rpc: string, call: Call, now: number): void {
    if (this.#isIdle) return;
    const refusal = refusalOfCall(call, now);
    if (refusal !== undefined) this.#refuse(refusal, rpc);
  }

  /** Throws in `strict` what the service refuses a new task for. `isNamed`: the caller chose its name. */
  checkTask(task: Task, isNamed: boolean, now: number): void {
    if (this.#isIdle) return;
    const { queue, taskId } = parseTaskName(task.name);
    const createdAt = this.#queueCreatedAt.get(queue);
    if (createdAt !== undefined && now - createdAt < NEW_QUEUE_DELAY_MS) {
      this.#refuse({ kind: 'queue-just-created', error: queueNotFound }, queue);
    }
    const refusal = refusalOfTask(task);
    if (refusal !== undefined) this.#refuse(refusal, queue);
    if (lacksContentType(task)) {
      this.warn(
        'no-content-type',
        queue,
        'tasks have a body and no Content-Type, and the service adds none: most frameworks will not parse it.',
      );
    }
    if (!isNamed) return;
    if (isNextInSequence(this.#lastIds.get(queue) ?? '', taskId)) {
      this.warn(
        'sequential-names',
        queue,
        `task names count up ("${taskId}"), which slows the service down: begin them with a hash.`,
      );
    }
    remember(this.#lastIds, queue, taskId);
  }

  /** Throws in `strict` if the name was given up too recently; else notes that the queue is new. */
  queueCreated({ name }: Queue, now: number): void {
    const deletedAt = this.#queueDeletedAt.get(name);
    if (deletedAt !== undefined && now - deletedAt < QUEUE_NAME_REUSE_MS) {
      const text = 'The queue cannot be created because a queue with this name existed too recently.';
      const error = (): ApiError => new ApiError('FAILED_PRECONDITION', text);
      this.#refuse({ kind: 'queue-name-reused', error }, name);
    }
    remember(this.#queueCreatedAt, name, now);
  }

  /** Throws in `strict` if a location (`projects/P/locations/L`) that has `count()` queues may have no more. */
  checkQueueCount(location: string, count: () => number): void {
    if (this.#isIdle || count() < QUOTAS.queues.limit) return;
    this.#refuse({ kind: 'quota-queues', error: () => quotaExceeded('queues', location) }, location);
  }

  /**
   * Throws in `strict` if there were too many of these requests in the last minute, or of leases in this second; else counts one more.
   *
   * @param subject the location (`projects/P/locations/L`), or for leases the queue
   */
  checkRate(quota: keyof typeof RATE_QUOTAS, subject: string, now: number): void {
    if (this.#isIdle) return;
    const { kind, seconds } = RATE_QUOTAS[quota];
    const key = `${quota} ${subject}`;
    const requests = this.#requests.get(key) ?? new LastMinute();
    if (requests.count(now, seconds) >= QUOTAS[quota].limit) {
      this.#refuse({ kind, error: () => quotaExceeded(quota, subject) }, subject);
    }
    requests.add(now);
    remember(this.#requests, key, requests);
  }

  queueDeleted(name: string, now: number): void {
    this.#queueCreatedAt.delete(name);
    remember(this.#queueDeletedAt, name, now);
  }

  /** A queue was made because a task was created in it. */
  queueMadeForTask(name: string): void {
    this.#refuse({ kind: 'queue-auto-created', error: queueNotFound }, name);
  }

  /** A queue has become slower than its settings say. */
  queueSlowed({ name }: Queue, reason: SlowReason): void {
    const { kind, text } = SLOWED[reason];
    this.warn(kind, name, `${text}, as the service's would. Its settings stay as they are.`);
  }

  /** Says that the queues there are now have been there for long. */
  queuesAreKnown(): void {
    this.#queueCreatedAt.clear();
  }

  /** Says that no queue has been deleted, no task named and nothing asked for, as far as anybody knows. */
  forgetAll(): void {
    this.#requests.clear();
    this.#queueDeletedAt.clear();
    this.#lastIds.clear();
  }

  /** Tells of something once. */
  warn(kind: WarningKind, subject: string, text: string): void {
    this.#warnOnce(kind, subject, () => text);
  }

  get #isIdle(): boolean {
    return !this.#isStrict && this.#onWarning === undefined;
  }

  #refuse({ kind, error }: Refusal, subject: string): void {
    if (this.#isStrict) throw error();
    this.#warnOnce(kind, subject, () => {
      const verb = kind === 'queue-just-created' ? 'may' : 'would';
      const { code, message } = error();
      return `the service ${verb} refuse this with ${code}: ${message}`;
    });
  }

  #warnOnce(kind: WarningKind, subject: string, text: () => string): void {
    const key = `${kind} ${subject}`;
    if (this.#onWarning === undefined || this.#warned.has(key)) return;
    if (this.#warned.size >= MAX_REMEMBERED) this.#warned.clear();
    this.#warned.add(key);
    this.#onWarning({ kind, subject, message: `${shortId(subject)}: ${text()}` });
  }
}

const RATE_QUOTAS = {
  runTask: { kind: 'quota-run-task', seconds: 60 },
  list: { kind: 'quota-list', seconds: 60 },
  lease: { kind: 'quota-lease', seconds: 1 },
} as const;

const SLOWED: Readonly<Record<SlowReason, { readonly kind: WarningKind; readonly text: string }>> = {
  pushback: {
    kind: 'slowed-by-targets',
    text: 'its targets answer 429 or 503, so that its rate is cut',
  },
  errors: {
    kind: 'slowed-by-errors',
    text: 'half of its attempts or more fail, so that its rate is cut',
  },
  slowStart: {
    kind: 'slow-start',
    text: 'it is new, was idle or was resumed, so that tasks wait while it gets up to its rate',
  },
};

function remember<T>(memory: Map<string, T>, key: string, value: T): void {
  memory.delete(key);
  memory.set(key, value);
  if (memory.size <= MAX_REMEMBERED) return;
  const [oldest] = memory.keys();
  if (oldest !== undefined) memory.delete(oldest);
}
