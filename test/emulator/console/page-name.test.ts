import { expect, test } from 'vitest';
import { pagePlaceOf } from '../../../emulator/console/page-name.ts';
import { derivedRunId, derivedTaskId } from '../../../lib/core/names.ts';

const run = derivedRunId('email-students', 'one');

// The emulator may not import the toolkit: this holds its reading of names to how the toolkit writes them.
test.each([
  [[run, 2, 13, 1], { kind: 'turn', run, shard: 2, turn: 13, epoch: 1 }],
  [[run, 0, 'finish', 3], { kind: 'finish', run, shard: 0, epoch: 3 }],
  [[run, 'prepare', 0], { kind: 'prepare', run, epoch: 0 }],
  [[run, 'settle', 4], { kind: 'settle', run, epoch: 4 }],
  [[run, 'complete', 2], { kind: 'complete', run, epoch: 2 }],
  [[run, 'callback', 5, 1], { kind: 'callback', run, number: 5, epoch: 1 }],
  [[run, 2, 13, 1, 'child', 7], { kind: 'child', run, shard: 2, turn: 13 }],
  [[run, 'start', 'child', 0], { kind: 'child', run }],
] as const)('the id that the toolkit derives from %j is read', (parts, place) => {
  expect(pagePlaceOf(derivedTaskId(...parts))).toEqual(place);
});

test.each(['page-3', derivedTaskId('mail', 'some-key'), '', `0123456789abcdef-${run}`, `${run}-0-1-0`])(
  'the id "%s" is another’s',
  (id) => {
    expect(pagePlaceOf(id)).toBeUndefined();
  },
);
