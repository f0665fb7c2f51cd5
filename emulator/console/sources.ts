import type { AttemptLog } from '../admin/attempt-log.ts';
import type { Graveyard } from '../admin/graveyard.ts';
import type { TaskHistory } from '../admin/task-history.ts';
import type { Queue, Task } from '../core/model.ts';
import type { EngineListener } from '../engine/events.ts';
import type { QueueStats } from '../engine/queues.ts';

/** What the console looks at. It changes nothing: what it lets people do goes over the API and the admin's HTTP. */
export interface Sources {
  readonly now: () => number;
  readonly isFrozen: () => boolean;
  readonly listQueues: () => readonly Queue[];
  readonly stats: (queueName: string) => QueueStats;
  readonly getTask: (name: string) => Task | undefined;
  /** In the order of creation, from `start`. */
  readonly listTasks: (
    queueName: string,
    page: { readonly start: number; readonly limit: number },
  ) => { readonly tasks: readonly Task[]; readonly next?: number };
  readonly attempts: Pick<AttemptLog, 'attempts' | 'attempt'>;
  readonly history: Pick<TaskHistory, 'list' | 'find'>;
  readonly graveyard: Pick<Graveyard, 'list'>;
  readonly observe: (listener: EngineListener) => () => void;
}
