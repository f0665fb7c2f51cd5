import type { RunState } from './run-state.ts';

/**
 * - `prepared`: its shards are drawn
 * - `pause`, `resume`, `cancel`: somebody's commands; `retry` takes a failed run up again, or a completed one for its set-aside documents
 * - `stop-repeating`: no run is to follow it; its state stays
 * - `throttle`: somebody has it go faster or slower; its state stays
 * - `stopped`: the last of its shards has come to a stand
 * - `walked`: the last of its shards is done
 * - `completed`: `onComplete` took effect
 * - `fail`: it can not go on
 */
export type RunEvent =
  | 'prepared'
  | 'pause'
  | 'resume'
  | 'cancel'
  | 'retry'
  | 'stop-repeating'
  | 'throttle'
  | 'stopped'
  | 'walked'
  | 'completed'
  | 'fail';

/** A change of a run's state. */
export interface HistoryEntry {
  readonly event: RunEvent;
  /** The state that it led to. */
  readonly state: RunState;
  readonly at: number;
  /** Who did it: an e-mail address, `code`, `worker` or `healer`. */
  readonly by: string;
  readonly reason?: string;
  /** For `throttle`: the rate that was set; null for none. */
  readonly documentsPerSecond?: number | null;
}
