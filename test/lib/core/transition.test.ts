import { expect, test } from 'vitest';
import { transition, transitions } from '../../../lib/core/transition.ts';
import { hasEnded, isActive, type RunState } from '../../../lib/core/run-state.ts';
import type { RunEvent } from '../../../lib/core/history.ts';
import { sampleRun } from '../../support/runs.ts';

const cause = { at: 7, by: 'admin@example.com' };
const states = Object.keys(transitions) as RunState[];
const events: RunEvent[] = [
  'prepared',
  'pause',
  'resume',
  'cancel',
  'retry',
  'stop-repeating',
  'throttle',
  'stopped',
  'walked',
  'completed',
  'fail',
];

test('each event in each state leads where the table says, or is refused with the states that take it', () => {
  for (const state of states) {
    for (const event of events) {
      const run = sampleRun({ state });
      const target = transitions[state][event];
      if (target === undefined) {
        expect(() => transition(run, event, cause)).toThrow(
          `Run r is ${state}; ${event} takes a run that is`,
        );
        continue;
      }
      const after = transition(run, event, cause);
      expect(after.state).toBe(target);
      expect(after.history).toEqual([{ event, state: target, ...cause }]);
      expect(after.endedAt).toBe(hasEnded(target) ? 7 : undefined);
    }
  }
});

test('every state can be reached from the start, and every active one left', () => {
  const reached = new Set<RunState>(['starting']);
  for (const state of reached) for (const next of Object.values(transitions[state])) reached.add(next);
  expect(reached).toEqual(new Set(states));
  for (const state of states.filter(isActive)) expect(transitions[state]).not.toEqual({});
});

test('a run that was never prepared is taken up again by preparing it', () => {
  const { boundaries: _, ...run } = sampleRun({ state: 'paused' });
  expect(transition(run, 'resume', cause).state).toBe('starting');
});

test('a run remembers its last fifty changes', () => {
  let run = sampleRun({ state: 'paused' });
  for (let n = 0; n < 40; n += 1) {
    run = transition(run, 'resume', { ...cause, at: n });
    run = transition(transition(run, 'pause', cause), 'stopped', cause);
  }
  expect(run.history).toHaveLength(50);
  expect(run.history.at(-3)).toMatchObject({ event: 'resume', at: 39 });
});

test('a run remembers the beginning of a long reason, and of who gave it: its document must have room for all of them', () => {
  const long = { at: 7, by: 'b'.repeat(9_000), reason: 'r'.repeat(9_000) };
  const [kept] = transition(sampleRun(), 'pause', long).history;
  expect([kept?.by.length, kept?.reason?.length]).toEqual([500, 500]);
});
