/** Where the end of a task is to be told: the run that waits for it, and its record among that run's children. */
export interface Parent {
  readonly run: string;
  readonly child: string;
}

/** A child that a run waits for: `pageturnerRuns/{run}/children/{id}`. Deleted when it has ended well. */
export interface Child {
  readonly id: string;
  /** `failed`: it has ended, and not well. */
  readonly state: 'open' | 'failed';
  readonly queue: string;
  /** The id of its task in that queue; of one that repeats itself, that of the next time. */
  readonly taskId: string;
  /** How many times it had repeated itself when that task was made; absent before the first time. */
  readonly repeat?: number;
  /** The run that it is, for an iterative task. */
  readonly childRun?: string;
  /** When it was started or was last heard of, in milliseconds since 1970. */
  readonly at: number;
}

const firstWaitMs = 2_000;
const longestWaitMs = 60_000;

/** How long a run that has looked for children so often waits before it looks again. */
export function waitMs(waits: number): number {
  return Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(waits, 10));
}
