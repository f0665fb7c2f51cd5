import { expect, test } from 'vitest';
import { FaultInjector } from '../../../emulator/admin/fault-injector.ts';
import type { FaultRule } from '../../../emulator/admin/fault-rule.ts';
import { apiError } from '../api-error.ts';
import { OK, QUEUE_NAME, startFaultyEngine } from './fixture.ts';

const SECOND_MS = 1000;

function ends(events: readonly { readonly kind: string }[]): unknown[] {
  return events.filter(({ kind }) => kind === 'attemptEnded');
}

test('a duplicate delivery reaches the target twice in one attempt', async () => {
  const { create, clock, deliveries, events } = startFaultyEngine({
    rules: [{ fault: { kind: 'duplicateDelivery', afterMs: 500 } }],
  });
  create('a');
  await clock.advanceBy(SECOND_MS);
  expect(deliveries.map(({ id, attempt, at }) => [id, attempt, at])).toEqual([
    ['a', 1, 0],
    ['a', 1, 500],
  ]);
  expect(ends(events)).toHaveLength(1);
});

test('a lost response is delivered, and tried again', async () => {
  const { create, clock, deliveries, events } = startFaultyEngine({
    rules: [{ times: 1, fault: { kind: 'lostResponse' } }],
  });
  create('a');
  await clock.advanceBy(SECOND_MS);
  expect(deliveries.map(({ attempt }) => attempt)).toEqual([1, 2]);
  expect(ends(events)).toMatchObject([
    { result: { kind: 'unreachable' }, outcome: 'retry' },
    { result: OK, outcome: 'completed' },
  ]);
});

test('a delayed delivery arrives later, within its attempt', async () => {
  const { create, clock, deliveries, events } = startFaultyEngine({
    rules: [{ fault: { kind: 'delay', ms: 3000 } }],
  });
  create('a');
  await clock.advanceBy(10 * SECOND_MS);
  expect(deliveries.map(({ at }) => at)).toEqual([3000]);
  expect(ends(events)).toMatchObject([{ outcome: 'completed' }]);
});

test('a delay past the deadline ends the attempt there, and the delivery comes all the same', async () => {
  const { create, clock, deliveries, events, start } = startFaultyEngine({
    rules: [{ times: 1, fault: { kind: 'delay', ms: 60 * SECOND_MS } }],
  });
  create('a', { dispatchDeadlineMs: 20 * SECOND_MS });
  await clock.advanceBy(120 * SECOND_MS);
  expect(ends(events)).toMatchObject([
    { at: start + 20 * SECOND_MS, result: { kind: 'timeout' }, outcome: 'retry' },
    { outcome: 'completed' },
  ]);
  expect(deliveries.map(({ attempt, at }) => [attempt, at])).toEqual([
    [2, 20_100],
    [1, 60_000],
  ]);
});

test('a reordered delivery is overtaken by the next one of its queue', async () => {
  const { create, clock, deliveries } = startFaultyEngine({
    rules: [{ nth: 1, fault: { kind: 'reorder' } }],
  });
  for (const id of ['a', 'b', 'c']) create(id);
  await clock.advanceBy(0);
  expect(deliveries.map(({ id }) => id)).toEqual(['b', 'c', 'a']);
});

test('a reordered delivery that none follows goes after a while', async () => {
  const { create, clock, deliveries } = startFaultyEngine({ rules: [{ fault: { kind: 'reorder' } }] });
  create('a');
  await clock.advanceBy(10 * SECOND_MS);
  expect(deliveries.map(({ at }) => at)).toEqual([1000]);
});

test('a refused connection and a made-up answer never reach the target', async () => {
  const { create, clock, deliveries, events } = startFaultyEngine({
    rules: [
      { match: { attempt: 1 }, fault: { kind: 'refuse' } },
      { match: { attempt: 2 }, fault: { kind: 'respond', httpStatus: 503, retryAfterMs: 5000 } },
    ],
  });
  create('a');
  await clock.advanceBy(60 * SECOND_MS);
  expect(ends(events)).toMatchObject([
    { result: { kind: 'unreachable', reason: 'injected fault: connection refused' } },
    { result: { kind: 'response', httpStatus: 503, retryAfterMs: 5000 } },
    { result: OK },
  ]);
  expect(deliveries.map(({ attempt, at }) => [attempt, at])).toEqual([[3, 5100]]);
});

test('a creation that is unavailable before creates nothing, one after has created', () => {
  const { create, engine, taskName } = startFaultyEngine({
    rules: [
      { nth: 1, fault: { kind: 'unavailable' } },
      { nth: 1, fault: { kind: 'unavailable', when: 'after' } },
    ],
  });
  const unavailable = apiError('UNAVAILABLE', 'The service is currently unavailable.');
  expect(() => create('a')).toThrow(unavailable);
  expect(engine.tasks.list(QUEUE_NAME).tasks).toEqual([]);
  expect(() => create('a')).toThrow(unavailable);
  expect(engine.tasks.list(QUEUE_NAME).tasks.map(({ name }) => name)).toEqual([taskName('a')]);
  expect(() => create('a')).toThrow(apiError('ALREADY_EXISTS', 'Requested entity already exists'));
});

test('a rule strikes what it matches only', async () => {
  const { create, clock, faults } = startFaultyEngine();
  const missing: FaultRule['match'][] = [
    { queue: 'other' },
    { taskName: 'b' },
    { url: '/other' },
    { attempt: 2 },
    { queue: 'my-queue', taskName: 'b' },
  ];
  const fitting: FaultRule['match'][] = [
    { queue: 'my-queue' },
    { queue: QUEUE_NAME },
    { taskName: 'a' },
    { url: 'worker.example/' },
    {},
    undefined,
  ];
  for (const match of [...missing, ...fitting])
    faults.add({ match, probability: 0, fault: { kind: 'refuse' } });
  create('a');
  await clock.advanceBy(0);
  expect(faults.list().map(({ chances }) => chances)).toEqual([
    ...missing.map(() => 0),
    ...fitting.map(() => 1),
  ]);
});

test('a rule that is removed strikes no more', async () => {
  const { create, clock, faults, deliveries } = startFaultyEngine();
  const id = faults.add({ fault: { kind: 'refuse' } });
  create('a');
  await clock.advanceBy(0);
  expect(deliveries).toEqual([]);
  expect(faults.list()).toMatchObject([{ id, chances: 1, strikes: 1 }]);
  expect(faults.remove(id)).toBe(true);
  expect(faults.remove(id)).toBe(false);
  await clock.advanceBy(SECOND_MS);
  expect(deliveries).toHaveLength(1);
});

const storm: FaultRule = { probability: 0.5, fault: { kind: 'respond', httpStatus: 503 } };

async function attemptsByTask(seed: number, ids: readonly string[]): Promise<Record<string, number>> {
  const { create, clock, deliveries } = startFaultyEngine({ seed, rules: [storm] });
  for (const id of ids) create(id);
  await clock.advanceBy(3600 * SECOND_MS);
  return Object.fromEntries(deliveries.map(({ id, attempt }) => [id, attempt]));
}

test('the same seed decides the same of each task, in whatever order the tasks come; another seed does not', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `t${index}`);
  const first = await attemptsByTask(7, ids);
  expect(new Set(Object.values(first)).size).toBeGreaterThan(1);
  expect(await attemptsByTask(7, ids)).toEqual(first);
  expect(await attemptsByTask(7, ids.toReversed())).toEqual(first);
  expect(await attemptsByTask(8, ids)).not.toEqual(first);
});

test('a probability is met in the long run', async () => {
  const { create, clock, faults } = startFaultyEngine({
    rules: [{ probability: 0.3, fault: { kind: 'lostResponse' } }],
    queue: { retryConfig: { maxAttempts: 1 } },
  });
  for (let n = 0; n < 2000; n += 1) create(`t${n}`);
  await clock.advanceBy(60 * SECOND_MS);
  const [{ chances, strikes } = { chances: 0, strikes: 0 }] = faults.list();
  expect(chances).toBe(2000);
  expect(strikes).toBeGreaterThan(500);
  expect(strikes).toBeLessThan(700);
});

test('closing the engine lets go of what a fault holds', async () => {
  const { create, clock, engine, deliveries } = startFaultyEngine({
    rules: [
      { nth: 1, fault: { kind: 'delay', ms: 60_000 } },
      { nth: 1, fault: { kind: 'reorder', withinMs: 60_000 } },
    ],
  });
  create('a');
  create('b');
  await clock.advanceBy(0);
  await engine.close();
  expect(clock.nextTimerAt).toBeUndefined();
  expect(deliveries).toEqual([]);
});

test.each<[unknown, string]>([
  [{}, 'rule.fault'],
  [{ fault: { kind: 'flood' } }, 'rule.fault.kind'],
  [{ fault: { kind: 'delay' } }, 'rule.fault.ms'],
  [{ fault: { kind: 'delay', ms: -1 } }, 'rule.fault.ms'],
  [{ fault: { kind: 'respond', httpStatus: 99 } }, 'rule.fault.httpStatus'],
  [{ fault: { kind: 'refuse' }, probability: 2 }, 'rule.probability'],
  [{ fault: { kind: 'refuse' }, nth: 1, times: 1 }, 'rule.nth'],
  [{ fault: { kind: 'unavailable' }, match: { attempt: 1 } }, 'rule.match.attempt'],
  [{ fault: { kind: 'refuse' }, match: { que: 'a' } }, 'rule.match'],
])('%j is refused, and the field named', (rule, field) => {
  const { faults } = startFaultyEngine();
  expect(() => faults.add(rule as FaultRule)).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(`${field}: `) }),
  );
  expect(faults.list()).toEqual([]);
});

test('without rules nothing is different', async () => {
  const faults = new FaultInjector({ clock: startFaultyEngine().clock, seed: 1 });
  const dispatch = faults.wrap(() => Promise.resolve(OK));
  expect(await dispatch({ queue: {}, task: { name: '', target: {} } } as never, AbortSignal.abort())).toBe(
    OK,
  );
});
