/**
 * - `starting`: its shards are not drawn yet
 * - `running`: its pages are handled
 * - `pausing`, `canceling`: no further page begins, and some may not have stopped yet
 * - `paused`: it stands still, and can be resumed
 * - `completing`: each page is handled, and `onComplete` is not through yet
 * - `completed`, `failed`, `canceled`: it has ended
 */
export type RunState =
  | 'starting'
  | 'running'
  | 'pausing'
  | 'paused'
  | 'canceling'
  | 'canceled'
  | 'completing'
  | 'completed'
  | 'failed';

export function hasEnded(state: RunState): boolean {
  return state === 'completed' || state === 'failed' || state === 'canceled';
}

/** Whether something must still happen to the run by itself: what the healer looks after. */
export function isActive(state: RunState): boolean {
  return !hasEnded(state) && state !== 'paused';
}

/** Whether the run's pages are to come to a stand. */
export function isStopping(state: RunState): boolean {
  return state === 'pausing' || state === 'canceling';
}
