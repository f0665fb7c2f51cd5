import type { CloudTasksClient } from '@google-cloud/tasks';
import { createTasksClient } from '../lib/cloud-tasks/client.ts';
import { fromService } from './fault.ts';
import {
  findPlace,
  localTasksHost,
  locationOf,
  useCloud,
  useNoMetadataServer,
  type PlaceOptions,
} from './place.ts';

/** The official client, and the names of what it is asked about. */
export interface TasksConnection {
  readonly client: CloudTasksClient;
  /** `projects/P/locations/L` */
  readonly parent: string;
  /** Full name of a queue from its id, or from its full name. */
  readonly queueName: (queue: string) => string;
  /** Full name of a task from its id, or from its full name. */
  readonly taskName: (queue: string, task: string) => string;
}

/**
 * Runs `work` with a connection to the Cloud Tasks that the options mean.
 *
 * @throws CliError `refused` with the service's own words; `not-running`; `usage`
 */
export async function withTasks<T>(
  options: PlaceOptions,
  work: (connection: TasksConnection) => Promise<T>,
): Promise<T> {
  const place = await findPlace(options);
  const parent = `projects/${place.project}/locations/${locationOf(place)}`;
  let host: string | undefined;
  if (place.kind === 'local') {
    host = await localTasksHost(place);
    useNoMetadataServer();
  } else useCloud(place);
  const client = createTasksClient(host);
  const queueName = (queue: string): string => (queue.includes('/') ? queue : `${parent}/queues/${queue}`);
  const taskName = (queue: string, task: string): string =>
    task.includes('/') ? task : `${queueName(queue)}/tasks/${task}`;
  try {
    return await work({ client, parent, queueName, taskName });
  } catch (error) {
    throw fromService('Cloud Tasks', error, nextSteps) ?? error;
  } finally {
    await client.close();
  }
}

/** By gRPC code: what was not found. */
const nextSteps = { 5: '`pageturner queues list` and `pageturner tasks list QUEUE` show what there is.' };
