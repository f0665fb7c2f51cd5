import { describe, expect, test } from 'vitest';
import { EmulatorTime } from '../../../emulator/admin/emulator-time.ts';
import type { DispatchResult } from '../../../emulator/core/dispatch.ts';
import { OK } from '../engine/fixture.ts';
import { sampleRequest } from '../samples.ts';

const time = (): EmulatorTime => new EmulatorTime({ frozenAt: 1000, answerWithinMs: 60_000 });
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

describe('a clock that runs', () => {
  const running = (answerWithinMs = 60_000): EmulatorTime => new EmulatorTime({ answerWithinMs });

  test('stands from the instant at which it is frozen, and fires what was set before as it is moved', async () => {
    const clock = running();
    const fired: number[] = [];
    const start = clock.now();
    for (const ms of [90_000_000, 3_600_000]) clock.at(start + ms, () => fired.push(clock.now() - start));
    clock.at(start + 1_800_000, () => fired.push(0)).cancel();
    clock.freeze();
    const frozenAt = clock.now();
    clock.freeze();
    expect(clock.isFrozen).toBe(true);
    await clock.advance(86_400_000);
    expect(clock.now()).toBe(frozenAt + 86_400_000);
    expect(await clock.runNext()).toBe(true);
    expect(await clock.runNext()).toBe(false);
    expect(fired).toEqual([3_600_000, 90_000_000]);
  });

  test('does at once what was due when it was frozen', async () => {
    const clock = running();
    const fired: string[] = [];
    clock.at(clock.now(), () => fired.push('due'));
    clock.freeze();
    expect(fired).toEqual([]);
    await clock.quiet();
    expect(fired).toEqual(['due']);
  });

  test('goes on from where it stood, never back, and fires in real time what is left', async () => {
    const clock = running();
    clock.freeze();
    await clock.advance(86_400_000);
    const stoodAt = clock.now();
    const fired = new Promise<void>((resolve) => clock.at(stoodAt + 5, resolve));
    const canceled = clock.at(stoodAt + 4, () => expect.unreachable('it was canceled'));
    await Promise.all([clock.advance(2), clock.resume()]);
    canceled.cancel();
    expect(clock.isFrozen).toBe(false);
    await fired;
    expect(clock.now()).toBeGreaterThanOrEqual(stoodAt + 5);
    await clock.resume();
    clock.restart();
    expect(clock.now()).toBeLessThan(stoodAt);
  });

  test('gives a call that is out when it is frozen so long to answer, and then its deadline on the clock', async () => {
    const clock = running(1);
    const cut = (_: unknown, signal: AbortSignal): Promise<DispatchResult> =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => resolve({ kind: 'unreachable', reason: 'cut off' }));
      });
    let endedAt = 0;
    const startedAt = clock.now();
    const call = clock
      .wrap(cut)(sampleRequest({ dispatchDeadlineMs: 20_000 }), never)
      .then((result) => {
        endedAt = clock.now();
        return result;
      });
    clock.freeze();
    await clock.advance(30_000);
    expect(await call).toEqual({ kind: 'timeout' });
    expect(endedAt - startedAt).toBeGreaterThanOrEqual(20_000);
    expect(endedAt - startedAt).toBeLessThan(30_000);
  });

  test('lets a call that is out when it goes on again take its time', async () => {
    const clock = running(100_000);
    clock.freeze();
    const answer = Promise.withResolvers<DispatchResult>();
    const call = clock.wrap(() => answer.promise)(sampleRequest(), never);
    await clock.resume();
    answer.resolve(OK);
    expect(await call).toBe(OK);
  });
});
