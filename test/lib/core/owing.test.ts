import { expect, test } from 'vitest';
import { owing } from '../../../lib/core/owing.ts';
import { sampleRun } from '../../support/runs.ts';

const parent = { run: 'outer', child: 'c' };
const history = [{ event: 'fail' as const, state: 'failed' as const, at: 1, by: 'worker' }];

test('a run that has ended tells the run that waits for it before it makes its own callback', () => {
  const run = sampleRun({ state: 'failed', callbacks: ['onError'], parent, history });
  expect(owing(run).owed?.map(({ name, number }) => [name, number])).toEqual([
    ['parent', 1],
    ['onError', 2],
  ]);
});

test('a run that stands still owes its callback alone: whoever waits for it goes on waiting', () => {
  const run = sampleRun({ state: 'paused', callbacks: ['onPause', 'onError'], parent, history });
  expect(owing(run).owed?.map(({ name }) => name)).toEqual(['onPause']);
});
