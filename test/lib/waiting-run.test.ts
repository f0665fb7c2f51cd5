import { beforeEach, describe, expect, test } from 'vitest';
import {
  cancelRun,
  getRun,
  healRuns,
  iterativeTask,
  pauseRun,
  resumeRun,
  type Wait,
} from '../../lib/index.ts';
import { startRun } from '../../lib/start-run.ts';
import { takeTurn } from '../../lib/take-turn.ts';
import type { HeldClock } from '../support/memory-ports.ts';
import { begin, takeLast } from '../support/runs.ts';
import {
  allVisitedOnce,
  base,
  holdClock,
  lastTask,
  nextTurn,
  ports,
  putThings,
  visit,
  visits,
  waitsUntil,
} from './walk.fixture.ts';

let clock: HeldClock;

beforeEach(async () => {
  await putThings();
  clock = holdClock();
});

describe('a run that waits', () => {
  const hour = 3_600_000;
  let answer: Wait;
  const walk = iterativeTask({ ...base, throttle: () => answer, each: visit });

  beforeEach(async () => {
    answer = 3_600;
    await begin(walk, ports);
    expect(await takeLast(walk, ports)).toBe('waiting');
  });

  test('is paused and canceled at once: nobody is at work on it', async () => {
    await pauseRun('r', { by: 'a@example.com' }, ports);
    expect((await getRun('r', ports.store))?.state).toBe('paused');
    expect(await waitsUntil()).toBeUndefined();
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('void');
    await cancelRun('r', {}, ports);
    expect((await getRun('r', ports.store))?.state).toBe('canceled');
  });

  test('for a moment only parks when its time has come: the clock of whoever pauses it may be behind', async () => {
    clock.ms += hour - 5_000;
    await pauseRun('r', {}, ports);
    expect((await getRun('r', ports.store))?.state).toBe('pausing');
    expect(await takeTurn(walk, nextTurn(), ports)).toBe('parked');
    expect((await getRun('r', ports.store))?.state).toBe('paused');
  });

  test('and is resumed waits for the time that it was told, and its old task is void', async () => {
    const waiting = nextTurn();
    await pauseRun('r', {}, ports);
    await resumeRun('r', {}, ports);
    expect(lastTask()).toMatchObject({ at: 1_000_000 + hour, delivery: { turn: 0, epoch: 3 } });
    answer = undefined;
    expect(await takeTurn(walk, waiting, ports)).toBe('void');
    clock.ms += hour;
    expect(await takeLast(walk, ports)).toBe('committed');
    expect(await visits()).toBe(allVisitedOnce);
  });

  test('is neither dead nor doubled for the healer, however long', async () => {
    const before = ports.queue.tasks.length;
    for (let n = 0; n < 3; n += 1) {
      clock.ms += hour / 4;
      expect(await healRuns({}, ports)).toEqual({ seen: 1, healed: [], failed: [] });
    }
    expect(ports.queue.tasks).toHaveLength(before);
  });

  test('and whose queue was purged is restarted by the healer, and waits on', async () => {
    ports.queue.tasks.length = 0;
    clock.ms += hour / 2;
    expect(await healRuns({}, ports)).toMatchObject({ healed: ['r'] });
    expect(lastTask()).toMatchObject({ at: 1_000_000 + hour, delivery: { turn: 0, epoch: 2 } });
    expect(ports.queue.tasks).toHaveLength(1);
  });

  test('is told of with the time, and has the wait in its time left', async () => {
    answer = undefined;
    clock.ms += hour;
    const slow = iterativeTask({ ...base, pageSize: 4, page: () => void (clock.ms += 2_000) });
    await takeTurn(slow, nextTurn(), ports);
    answer = 100;
    clock.ms += 2_000;
    await takeLast(walk, ports);
    const run = await getRun('r', ports.store);
    expect(run?.shards[0]?.waitsUntil?.getTime()).toBe(clock.now() + 100_000);
    // Four documents are left, at four in an hour and four seconds, after a hundred seconds.
    expect(run?.secondsLeft).toBe(3_604 + 100);
  });

  test('is not parked under a delivery of an exclusive task that somebody dispatched by hand', async () => {
    answer = undefined;
    const exclusive = iterativeTask({
      ...base,
      exclusive: true,
      async page(documents, ctx) {
        await pauseRun('r', {}, ports);
        for (const document of documents) void visit(document, ctx);
      },
    });
    expect(await takeTurn(exclusive, nextTurn(), ports)).toBe('committed');
    expect(await visits()).toBe(allVisitedOnce);
    expect((await getRun('r', ports.store))?.state).toBe('pausing');
    await takeLast(walk, ports);
  });
});

test('a run that is to begin later waits until then, and no longer once it is prepared', async () => {
  const walk = iterativeTask({ ...base, each: visit });
  const at = clock.now() + 60_000;
  await startRun(walk, { run: 'r', queue: 'iterate', params: {}, startedBy: 'test', at }, ports);
  expect(await waitsUntil()).toBe(at);
  clock.ms = at;
  await takeLast(walk, ports);
  expect(await waitsUntil()).toBeUndefined();
});
