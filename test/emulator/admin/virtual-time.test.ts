import { expect, test } from 'vitest';
import { VirtualTime } from '../../../emulator/admin/virtual-time.ts';
import type { DispatchResult } from '../../../emulator/core/dispatch.ts';
import { OK } from '../engine/fixture.ts';
import { sampleRequest } from '../samples.ts';

const time = (): VirtualTime => new VirtualTime({ startAt: 1000, answerWithinMs: 60_000 });
const never = new AbortController().signal;

test('what is due now is done without the clock moving, what is due later when it moves, in order', async () => {
  const clock = time();
  const fired: string[] = [];
  for (const [name, at] of [
    ['later', 1500],
    ['now', 1000],
    ['past', 0],
    ['sooner', 1200],
  ] as const) {
    clock.at(at, () => fired.push(`${name} ${clock.now()}`));
  }
  const canceled = clock.at(1000, () => fired.push('canceled'));
  canceled.cancel();
  canceled.cancel();
  await clock.quiet();
  expect(fired).toEqual(['now 1000', 'past 1000']);
  await clock.advance(1000);
  expect(fired.slice(2)).toEqual(['sooner 1200', 'later 1500']);
  expect(clock.now()).toBe(2000);
  expect(await clock.runNext()).toBe(false);
});

test('movements asked for together follow one another', async () => {
  const clock = time();
  await Promise.all([clock.advance(10), clock.advance(20), clock.advance(30)]);
  expect(clock.now()).toBe(1060);
});

test('the clock waits for a call, and for the one that its end sets off', async () => {
  const clock = time();
  const call = Promise.withResolvers<DispatchResult>();
  const next = Promise.withResolvers<DispatchResult>();
  const first = clock.wrap(() => call.promise)(sampleRequest(), never);
  const second = first.then(() => clock.wrap(() => next.promise)(sampleRequest(), never));
  const advancing = clock.advance(100);
  call.resolve(OK);
  await first;
  await new Promise(setImmediate);
  expect(clock.now()).toBe(1000);
  next.resolve(OK);
  expect(await second).toBe(OK);
  await advancing;
  expect(clock.now()).toBe(1100);
});

test('an attempt that times out ends when its deadline has passed on the clock', async () => {
  const clock = time();
  const dispatch = clock.wrap(() => Promise.resolve({ kind: 'timeout' }));
  let endedAt = 0;
  const ended = dispatch(sampleRequest({ dispatchDeadlineMs: 20_000 }), never).then((result) => {
    endedAt = clock.now();
    return result;
  });
  await clock.advance(30_000);
  expect(await ended).toEqual({ kind: 'timeout' });
  expect(endedAt).toBe(21_000);
});

test('cutting off ends what waits for a deadline, and the clock can begin again', async () => {
  const clock = time();
  const stop = new AbortController();
  const dispatch = clock.wrap(() => Promise.resolve({ kind: 'timeout' }));
  const ended = dispatch(sampleRequest(), stop.signal);
  await clock.advance(5);
  stop.abort();
  expect(await ended).toEqual({ kind: 'timeout' });
  expect(await clock.runNext()).toBe(false);
  clock.restart();
  expect(clock.now()).toBe(1000);
});
