import { owedNames } from './owed.ts';
import type { Parent } from './child.ts';
import type { IterativeTask } from './definition.ts';
import type { Json } from './parameters.ts';
import type { Repeating } from './repeating.ts';
import type { Run } from './run.ts';
import { rateOf } from './throttle.ts';
import { runTask } from './turn-rules.ts';

export interface RunStart {
  readonly run: string;
  readonly queue: string;
  /** Already checked against the task's schema. */
  readonly params: Json;
  readonly startedBy: string;
  /** How many shards it shall have; as many as its task says unless given. */
  readonly shards?: number;
  /** Not before this instant, in milliseconds since 1970. */
  readonly at?: number;
  readonly key?: string;
  /** The run that waits for its end. */
  readonly parent?: Parent | undefined;
  /** Whether another run follows when it has completed; as its task says unless given. */
  readonly repeat?: Repeating | false;
  readonly isDryRun?: true;
  /** Null for no limit; as its task says unless given. */
  readonly documentsPerSecond?: number | null;
}

/** A run that is about to be written, with the task that prepares it in its outbox. */
export function newRun(task: IterativeTask, start: RunStart, now: number): Run {
  const { shards = task.shards, isDryRun, documentsPerSecond = task.documentsPerSecond } = start;
  // Nothing follows a dry run: it has done nothing.
  const repeat = isDryRun === true ? false : (start.repeat ?? task.repeat ?? false);
  const callbacks = owedNames.filter((name) => task[name === 'onError' ? 'onFailed' : name] !== undefined);
  const run: Run = {
    id: start.run,
    task: task.name,
    queue: start.queue,
    params: JSON.stringify(start.params),
    state: 'starting',
    epoch: 0,
    shards,
    timeoutSeconds: task.timeoutSeconds,
    startedBy: start.startedBy,
    ...(task.version === undefined ? {} : { versions: [task.version] }),
    ...(start.key === undefined ? {} : { key: start.key }),
    ...(start.parent === undefined ? {} : { parent: start.parent }),
    ...(repeat === false ? {} : { repeat: { after: repeat.after, shards } }),
    ...(callbacks.length === 0 ? {} : { callbacks }),
    ...(isDryRun === undefined ? {} : { isDryRun }),
    ...rateOf(documentsPerSecond),
    createdAt: now,
    updatedAt: now,
    ...(start.at === undefined ? {} : { at: start.at }),
    hasLeftovers: false,
    history: [],
    outbox: [],
  };
  return { ...run, outbox: [runTask(run, 'prepare', start.at)] };
}
