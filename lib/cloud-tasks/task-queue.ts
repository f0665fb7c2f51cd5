import type { CloudTasksClient, protos } from '@google-cloud/tasks';
import type { OutboxTask } from '../core/outbox.ts';
import type { TaskLookup, TaskQueue } from '../ports.ts';

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

const notFound = 5;
const alreadyExists = 6;

/** Google Cloud Tasks through its official client: the emulator's and the cloud's alike. */
export class CloudTasksQueue implements TaskQueue, TaskLookup {
  readonly #client: CloudTasksClient;
  readonly #settings: TaskQueueSettings;

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
      if ((error as { code?: unknown }).code === alreadyExists) return 'exists';
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

  #wireTask(parent: string, task: OutboxTask): protos.google.cloud.tasks.v2.ITask {
    const { functionsUrl, serviceAccount } = this.#settings;
    const url = `${functionsUrl}/${task.worker}`;
    return {
      name: `${parent}/tasks/${task.id}`,
      httpRequest: {
        url,
        httpMethod: 'POST',
        headers: { 'Content-Type': 'application/json' },
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
