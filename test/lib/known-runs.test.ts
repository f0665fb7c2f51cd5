import { expect, test } from 'vitest';
import { KnownRuns } from '../../lib/known-runs.ts';
import { sampleRun } from '../support/runs.ts';

test('a process knows of a run what is frozen, once it is prepared, and forgets the oldest of many', () => {
  const known = new KnownRuns();
  const { boundaries: _, ...unprepared } = sampleRun();
  known.remember({ ...unprepared, id: 'a' });
  expect(known.get('a')).toBeUndefined();
  for (let n = 0; n < 200; n += 1) known.remember({ ...unprepared, id: `r${n}`, boundaries: ['x/y'] });
  expect(known.get('r0')).toEqual({ params: unprepared.params, boundaries: ['x/y'] });
  known.remember({ ...unprepared, id: 'r0', boundaries: ['x/y'] });
  known.remember({ ...unprepared, id: 'one more', boundaries: [] });
  expect(known.get('r0')).toBeDefined();
  expect(known.get('r1')).toBeUndefined();
});
