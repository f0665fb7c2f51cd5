import type { ErrorRecord } from './errors.ts';
import type { HistoryEntry } from './history.ts';
import type { RunState } from './run-state.ts';

/** The callbacks that are turns of their own. `onStart` and `onComplete` belong to the preparation and the completion. */
export const owedNames = ['onPause', 'onCancel', 'onError'] as const;
export type CallbackName = (typeof owedNames)[number];

/** `parent`: the word to the run which waits for this one that it has ended. */
export type OwedName = CallbackName | 'parent';

/** A callback that a run has to make. They are made one after the other, in the order of their events. */
export interface OwedCallback {
  readonly name: OwedName;
  /** Its place among all that the run has had to make. */
  readonly number: number;
  /** Raised when its task is begun anew; one of an older epoch is void. */
  readonly epoch: number;
  /** What the event made of the run. */
  readonly state: RunState;
  /** The event. */
  readonly cause: Pick<HistoryEntry, 'at' | 'by' | 'reason'>;
  /** What ended the run. */
  readonly error?: ErrorRecord;
  /** Failures of the user's code. */
  readonly failures?: number;
  /** Not before this instant. */
  readonly notBefore?: number;
}
