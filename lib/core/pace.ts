import type { Run, RunRecords } from './run.ts';
import { longestHistory } from './transition.ts';
import { isStopping, type RunState } from './run-state.ts';

/** How fast a run goes. */
export interface Pace {
  /**
   * Documents dealt with (handled or set aside) for each second in which pages could be handled, over the whole walk: the time in which
   * the run stood still is not counted, what a throttle waits is. Undefined before the first page, and where the run stood still so
   * often that its history has forgotten when.
   */
  readonly documentsPerSecond?: number;
  /**
   * Seconds until the last document, at that rate or the one that the run is throttled to, after what all shards wait, and if they end
   * together. Undefined without a total or a rate, and while the
   * run stands still: nobody knows for how long.
   */
  readonly secondsLeft?: number;
}

/** From a run's records alone, up to the last sign of life of its shards: a pace does not fade while nothing is written. */
export function paceOf({ run, shards }: RunRecords): Pace {
  const dealtWith = shards.reduce((sum, shard) => sum + shard.processed + shard.quarantined, 0);
  const lastMovedAt = Math.max(...shards.map((shard) => shard.updatedAt));
  const walkedMs = walkingMs(run, lastMovedAt);
  if (dealtWith === 0 || walkedMs === undefined || walkedMs <= 0) return {};
  const rate = (dealtWith / walkedMs) * 1000;
  const documentsPerSecond = Number(rate.toPrecision(3));
  if (run.state !== 'running' || run.total === undefined) return { documentsPerSecond };
  const goingOn = Math.min(rate, run.documentsPerSecond ?? Infinity);
  const waitMs = Math.max(0, (waitingUntil({ run, shards }) ?? 0) - lastMovedAt);
  const secondsLeft = Math.ceil(Math.max(0, run.total - dealtWith) / goingOn + waitMs / 1000);
  return { documentsPerSecond, secondsLeft };
}

/** The first instant at which a page may begin, or a run that is to begin later; undefined unless each shard that goes on is told to wait. */
export function waitingUntil({ run, shards }: RunRecords): number | undefined {
  if (run.state === 'starting') return run.at;
  const walking = run.state === 'running' ? shards.filter(({ state }) => state === 'running') : [];
  const until = Math.min(...walking.map(({ notBefore }) => notBefore ?? 0));
  return walking.length === 0 || until === 0 ? undefined : until;
}

/** How long pages could be handled, until an instant; undefined where the history does not reach back to the beginning. */
function walkingMs({ history }: Run, until: number): number | undefined {
  if (history.length >= longestHistory && !history.some(({ event }) => event === 'prepared'))
    return undefined;
  return history.reduce((sum, { state, at }, index) => {
    const end = Math.min(history[index + 1]?.at ?? until, until);
    return hasPages(state) ? sum + Math.max(0, end - at) : sum;
  }, 0);
}

function hasPages(state: RunState): boolean {
  return state === 'running' || isStopping(state);
}
