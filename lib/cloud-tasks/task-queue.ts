import type { CloudTasksClient, protos } from '@google-cloud/tasks';
import type { RetryLimits } from '../core/last-attempt.ts';
import { PageturnerError } from '../core/errors.ts';
import type { OutboxTask } from '../core/outbox.ts';
import type { RetryLookup, TaskQueue } from '../ports.ts';
import { linkToHere } from '../telemetry/observe-delivery.ts';

export interface TaskQueueSettings {
  readonly project: string;
  readonly location: string;
  /** The URL under which each function is served at `/NAME`. */
  readonly functionsUrl: string;
  /** Whose identity the queue attests to the worker. */
  readonly serviceAccount: string;
}

/** Every start of a client's call that is safe to repeat: the task has an id, so a second one is refused as a duplicate. */
const retry = {
  retryCodes: [4, 14],
  backoffSettings: {
    initialRetryDelayMillis: 100,
    retryDelayMultiplier: 2,
    maxRetryDelayMillis: 2_000,
    initialRpcTimeoutMillis: 5_000,
    rpcTimeoutMultiplier: 1,
    maxRpcTimeoutMillis: 5_000,
    totalTimeoutMillis: 15_000,
  },
};

/** The retry settings of queues change seldom. */
const limitsLiveMs = 5 * 60_000;

const invalidArgument = 3;
const notFound = 5;
const alreadyExists = 6;

/** Google Cloud Tasks through its official client: the emulator's and the cloud's alike. */
export class CloudTasksQueue implements TaskQueue, RetryLookup {
  readonly #client: CloudTasksClient;
  readonly #settings: TaskQueueSettings;
  readonly #limits = new Map<string, { readonly limits: RetryLimits; readonly readAt: number }>();

  constructor(client: CloudTasksClient, settings: TaskQueueSettings) {
    this.#client = client;
    this.#settings = settings;
  }

  async enqueue(task: OutboxTask): Promise<'created' | 'exists'> {
    const { project, location } = this.#settings;
    const parent = this.#client.queuePath(project, location, task.queue);
    try {
      await this.#client.createTask({ parent, task: this.#wireTask(parent, task) }, { retry });
      return 'created';
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === alreadyExists) return 'exists';
      if (code === notFound) throw noSuchQueue(parent, error);
      if (code === invalidArgument) throw refusedForGood(task, error);
      throw error;
    }
  }

  async has(task: OutboxTask): Promise<boolean> {
    const { project, location } = this.#settings;
    try {
      await this.#client.getTask(
        { name: this.#client.taskPath(project, location, task.queue, task.id) },
        { retry },
      );
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code === notFound) return false;
      throw error;
    }
  }

  async retryLimits(queueId: string): Promise<RetryLimits> {
    const known = this.#limits.get(queueId);
    if (known !== undefined && performance.now() - known.readAt < limitsLiveMs) return known.limits;
    const { project, location } = this.#settings;
    const name = this.#client.queuePath(project, location, queueId);
    const [{ retryConfig }] = await this.#client.getQueue({ name }, { retry });
    const maxAttempts = retryConfig?.maxAttempts ?? -1;
    const maxRetryMs = millisecondsOf(retryConfig?.maxRetryDuration);
    const limits = {
      ...(maxAttempts === -1 ? {} : { maxAttempts }),
      ...(maxRetryMs === undefined || maxRetryMs === 0 ? {} : { maxRetryMs }),
    };
    this.#limits.set(queueId, { limits, readAt: performance.now() });
    return limits;
  }

  async firstAttemptAt(queueId: string, taskId: string): Promise<number | undefined> {
    const { project, location } = this.#settings;
    const name = this.#client.taskPath(project, location, queueId, taskId);
    const [{ firstAttempt }] = await this.#client.getTask({ name }, { retry });
    return millisecondsOf(firstAttempt?.dispatchTime);
  }

  #wireTask(parent: string, task: OutboxTask): protos.google.cloud.tasks.v2.ITask {
    const { functionsUrl, serviceAccount } = this.#settings;
    const url = `${functionsUrl}/${task.worker}`;
    return {
      name: `${parent}/tasks/${task.id}`,
      httpRequest: {
        url,
        httpMethod: 'POST',
        headers: { 'Content-Type': 'application/json', ...linkToHere() },
        body: Buffer.from(JSON.stringify(task.delivery)),
        oidcToken: { serviceAccountEmail: serviceAccount, audience: url },
      },
      dispatchDeadline: { seconds: task.timeoutSeconds },
      ...(task.at === undefined
        ? {}
        : {
            scheduleTime: { seconds: Math.floor(task.at / 1000), nanos: Math.floor((task.at % 1000) * 1e6) },
          }),
    };
  }
}

function noSuchQueue(name: string, cause: unknown): PageturnerError {
  const [, project = '', , location = '', , id = ''] = name.split('/');
  return new PageturnerError(
    'misconfigured',
    `Queue "${id}" does not exist in ${project}, ${location}: create it with \`gcloud tasks queues create ${id}\`, ` +
      'or on this machine add it to emulator.config.json. What waits for it goes on when it is there.',
    { cause },
  );
}

/** Of what the queue would say the same each time. */
function refusedForGood({ queue, worker }: OutboxTask, cause: unknown): PageturnerError {
  const { details, message } = cause as { readonly details?: unknown; readonly message?: unknown };
  const words = typeof details === 'string' && details !== '' ? details : String(message);
  return new PageturnerError(
    'misconfigured',
    `Queue "${queue}" refuses a task for "${worker}", and will each time: ${words.replace(/\.?$/, '.')} ` +
      'Mend what it names: the settings (PAGETURNER_…), the queue, or the size of the parameters.',
    { cause },
  );
}

type Span = protos.google.protobuf.IDuration | protos.google.protobuf.ITimestamp;

/** Of a duration, or of an instant since 1970. */
function millisecondsOf(span: Span | null | undefined): number | undefined {
  if (span === null || span === undefined) return undefined;
  return Number(span.seconds ?? 0) * 1000 + (span.nanos ?? 0) / 1e6;
}
