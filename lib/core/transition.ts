import { PageturnerError, type ErrorRecord } from './errors.ts';
import type { HistoryEntry, RunEvent } from './history.ts';
import { owing } from './owing.ts';
import type { Run } from './run.ts';
import { hasEnded, type RunState } from './run-state.ts';

/**
 * Every legal change of a run's state, by state and event. What is not here does not happen. A run that was never prepared is taken
 * up again by preparing it: where the table says `running`, `transition` makes that `starting`.
 */
export const transitions: Readonly<Record<RunState, Readonly<Partial<Record<RunEvent, RunState>>>>> = {
  starting: {
    prepared: 'running',
    pause: 'paused',
    cancel: 'canceled',
    fail: 'failed',
    'stop-repeating': 'starting',
    throttle: 'starting',
  },
  running: {
    pause: 'pausing',
    cancel: 'canceling',
    walked: 'completing',
    fail: 'failed',
    'stop-repeating': 'running',
    throttle: 'running',
  },
  pausing: {
    resume: 'running',
    cancel: 'canceling',
    stopped: 'paused',
    fail: 'failed',
    'stop-repeating': 'pausing',
    throttle: 'pausing',
  },
  paused: {
    resume: 'running',
    cancel: 'canceled',
    fail: 'failed',
    'stop-repeating': 'paused',
    throttle: 'paused',
  },
  canceling: { stopped: 'canceled' },
  completing: {
    pause: 'pausing',
    cancel: 'canceling',
    completed: 'completed',
    fail: 'failed',
    'stop-repeating': 'completing',
    throttle: 'completing',
  },
  completed: { retry: 'running' },
  failed: { retry: 'running', 'stop-repeating': 'failed', throttle: 'failed' },
  canceled: {},
};

/** Who does it, when, and why. */
export type Cause = Omit<HistoryEntry, 'event' | 'state'>;

export const longestHistory = 50;

/** Characters of a reason, and of who gave it, that are kept: a run's document has room for all of its history. */
const longestText = 500;

function shortened({ reason, ...cause }: Cause): Cause {
  const kept = reason === undefined ? {} : { reason: textOf(reason) };
  return { ...cause, by: textOf(cause.by), ...kept };
}

function textOf(given: string): string {
  return given.slice(0, longestText).toWellFormed();
}

/** Whether a run in this state may have that happen to it. */
export function permits(state: RunState, event: RunEvent): boolean {
  return transitions[state][event] !== undefined;
}

/**
 * The run after an event, with the event in its history, and the callback that it calls for. The only place where a run's state changes.
 *
 * @param error what ended the run, for `fail`
 * @throws PageturnerError `invalid-state` when the table has no such change.
 */
export function transition(run: Run, event: RunEvent, cause: Cause, error?: ErrorRecord): Run {
  const target = transitions[run.state][event];
  if (target === undefined) {
    const takers = Object.entries(transitions).flatMap(([state, events]) => (event in events ? [state] : []));
    throw new PageturnerError(
      'invalid-state',
      `Run ${run.id} is ${run.state}; ${event} takes a run that is ${takers.join(' or ')}.`,
    );
  }
  const state =
    target === 'running' && event !== 'prepared' && run.boundaries === undefined ? 'starting' : target;
  const isKept = event === 'stop-repeating' || event === 'throttle';
  const { endedAt: _, ...rest } = run;
  const after: Run = {
    ...rest,
    state,
    ...(hasEnded(state) ? { endedAt: isKept ? (run.endedAt ?? cause.at) : cause.at } : {}),
    history: [...run.history, { event, state, ...shortened(cause) }].slice(-longestHistory),
  };
  return isKept ? after : owing(after, error);
}
