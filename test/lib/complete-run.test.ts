import { beforeEach, expect, test } from 'vitest';
import { completeRun } from '../../lib/complete-run.ts';
import type { RunDelivery } from '../../lib/core/delivery.ts';
import { FatalTaskError, iterativeTask } from '../../lib/index.ts';
import { takeLast } from '../support/runs.ts';
import { base, db, found, lastAttempt, ports, putThings, start, visits } from './walk.fixture.ts';

beforeEach(putThings);

let handled: number;
let onComplete: () => void;
const walk = iterativeTask({
  ...base,
  page: (documents) => void (handled += documents.length),
  onComplete: () => onComplete(),
});

/** A run whose pages are all handled. */
beforeEach(async () => {
  handled = 0;
  await start(walk);
  await takeLast(walk, ports);
  await takeLast(walk, ports);
  expect((await found()).run).toMatchObject({ state: 'completing' });
});

function completion(): RunDelivery {
  const delivery = ports.queue.tasks.at(-1)?.delivery;
  return delivery?.kind === 'complete' ? delivery : expect.fail('no completion was enqueued');
}

function failWith(error: Error): void {
  onComplete = () => {
    throw error;
  };
}

const unavailable = Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: 'gone' });

test('a completion that fails is counted in the run, and the last failure of the budget ends it', async () => {
  failWith(new Error('no such report'));
  for (const failures of [1, 2, 3, 4]) {
    await expect(completeRun(walk, completion(), ports)).rejects.toThrow('no such report');
    expect((await found()).run).toMatchObject({ state: 'completing', failures });
  }
  expect(await completeRun(walk, completion(), ports)).toBe('failed');
  expect((await found()).run).toMatchObject({
    state: 'failed',
    error: { message: 'no such report', stack: expect.stringContaining('complete-run.test.ts') },
  });
  expect(handled).toBe(8);
});

test('a completion that fails for good ends the run at once, and what it was to write is not written', async () => {
  onComplete = () => {
    throw new FatalTaskError('over');
  };
  expect(await completeRun(walk, completion(), ports)).toBe('failed');
  expect(await visits()).toBe('a0 b0 c0 d0 e0 f0 g0 h0');
});

test('a completion that asks for more than a commit may have ends the run, and says so', async () => {
  const large = iterativeTask({
    ...base,
    page: () => {},
    maxFailures: 1,
    onComplete(ctx) {
      for (let n = 0; n < 6; n += 1) ctx.set(ctx.db.doc(`reports/${n}`), { text: 'x'.repeat(1_000_000) });
    },
  });
  expect(await completeRun(large, completion(), ports)).toBe('failed');
  expect((await found()).run).toMatchObject({ error: { message: expect.stringContaining('4 MiB') } });
});

test("the platform's failures of a completion are not counted, and the last attempt begins it anew", async () => {
  failWith(unavailable);
  for (let failures = 0; failures < 6; failures += 1) {
    await expect(completeRun(walk, completion(), ports)).rejects.toThrow('UNAVAILABLE');
  }
  const former = completion();
  expect(await completeRun(walk, former, ports, lastAttempt)).toBe('restarted');
  expect((await found()).run).not.toHaveProperty('failures');
  onComplete = () => {};
  expect(await completeRun(walk, former, ports)).toBe('void');
  expect(await completeRun(walk, completion(), ports)).toBe('completed');
  expect((await db.doc('pageturnerRuns/r').get()).get('error')).toBeUndefined();
});

test("the last attempt of a completion that fails by the user's code ends the run", async () => {
  failWith(new Error('no such report'));
  expect(await completeRun(walk, completion(), ports, lastAttempt)).toBe('failed');
});
