import { expect, test } from 'vitest';
import { paceOf } from '../../../lib/core/pace.ts';
import { newShard, type Run, type Shard } from '../../../lib/core/run.ts';
import type { HistoryEntry } from '../../../lib/core/history.ts';
import { transition } from '../../../lib/core/transition.ts';
import type { RunEvent } from '../../../lib/core/history.ts';
import { sampleRun } from '../../support/runs.ts';

type Happening = readonly [event: RunEvent, seconds: number];

/** A run that was started at 0 and to which this happened since. */
function runWith(happenings: readonly Happening[], changes: { total?: number } = {}): Run {
  return happenings.reduce(
    (run, [event, seconds]) => transition(run, event, { at: seconds * 1000, by: 'test' }),
    sampleRun({ state: 'starting', ...changes }),
  );
}

function shardAt(seconds: number, processed: number, changes: Partial<Shard> = {}): Shard {
  return { ...newShard(0, 0), processed, updatedAt: seconds * 1000, ...changes };
}

test('the rate is that of the walk, which begins when the shards are drawn', () => {
  const run = runWith([['prepared', 100]], { total: 1000 });
  expect(paceOf({ run, shards: [shardAt(110, 200), shardAt(120, 200)] })).toEqual({
    documentsPerSecond: 20,
    secondsLeft: 30,
  });
});

test('documents that were set aside are dealt with too', () => {
  const run = runWith([['prepared', 0]], { total: 100 });
  expect(paceOf({ run, shards: [shardAt(10, 40, { quarantined: 10 })] })).toEqual({
    documentsPerSecond: 5,
    secondsLeft: 10,
  });
});

test('a pause is not counted, and while it lasts nobody knows how much time is left', () => {
  const before = [
    ['prepared', 0],
    ['pause', 10],
    ['stopped', 12],
  ] as const;
  const paused = runWith(before, { total: 1000 });
  expect(paceOf({ run: paused, shards: [shardAt(12, 120)] })).toEqual({ documentsPerSecond: 10 });
  const resumed = runWith([...before, ['resume', 3600]], { total: 1000 });
  const justNow = paceOf({ run: resumed, shards: [shardAt(3600, 120)] });
  expect(justNow).toEqual({ documentsPerSecond: 10, secondsLeft: 88 });
  expect(paceOf({ run: resumed, shards: [shardAt(3612, 360)] })).toEqual({
    documentsPerSecond: 15,
    secondsLeft: 43,
  });
});

test('a run that failed and was retried is as fast as while it ran', () => {
  const run = runWith([
    ['prepared', 0],
    ['fail', 10],
    ['retry', 5000],
  ]);
  expect(paceOf({ run, shards: [shardAt(5010, 40)] })).toEqual({ documentsPerSecond: 2 });
});

test('an ended run keeps its rate, whatever its completion took, and has no time left', () => {
  const run = runWith(
    [
      ['prepared', 0],
      ['walked', 10],
      ['completed', 500],
    ],
    { total: 30 },
  );
  expect(paceOf({ run, shards: [shardAt(10, 30, { state: 'done' })] })).toEqual({ documentsPerSecond: 3 });
});

test('what a throttle waits is counted: it is the pace of the run', () => {
  const run = runWith([['prepared', 0]], { total: 20 });
  expect(paceOf({ run, shards: [shardAt(100, 10)] })).toEqual({ documentsPerSecond: 0.1, secondsLeft: 100 });
});

test('there is no rate before the first page, nor before there are shards', () => {
  expect(paceOf({ run: runWith([]), shards: [] })).toEqual({});
  expect(paceOf({ run: runWith([['prepared', 5]], { total: 9 }), shards: [shardAt(5, 0)] })).toEqual({});
  // The clock of the worker that drew the shards may be ahead of that of the one which took the page.
  expect(paceOf({ run: runWith([['prepared', 5]], { total: 9 }), shards: [shardAt(4, 3)] })).toEqual({});
});

test('more documents than were counted leave no time, not less than none', () => {
  const run = runWith([['prepared', 0]], { total: 10 });
  expect(paceOf({ run, shards: [shardAt(1, 15)] })).toMatchObject({ secondsLeft: 0 });
});

test('a history that has forgotten the beginning gives no rate, for want of the times of rest', () => {
  const happenings = Array.from({ length: 26 }, (_, index): readonly Happening[] => [
    ['pause', index * 10 + 1],
    ['resume', index * 10 + 9],
  ]).flat();
  const run = runWith([['prepared', 0], ...happenings]);
  const events: readonly RunEvent[] = run.history.map(({ event }: HistoryEntry) => event);
  expect(events).not.toContain('prepared');
  expect(paceOf({ run, shards: [shardAt(300, 10)] })).toEqual({});
});
