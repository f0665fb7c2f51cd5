import { FieldValue } from '@google-cloud/firestore';
import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest';
import { callBack } from '../../lib/call-back.ts';
import type { CallbackContext, WritesContext, HandlerContext } from '../../lib/core/context.ts';
import type { CallbackDelivery } from '../../lib/core/delivery.ts';
import { healRuns } from '../../lib/heal-runs.ts';
import {
  cancelRun,
  FatalTaskError,
  getRun,
  iterativeTask,
  pauseRun,
  resumeRun,
  retryRun,
  type ErrorRecord,
} from '../../lib/index.ts';
import { prepareRun } from '../../lib/prepare-run.ts';
import { startRun } from '../../lib/start-run.ts';
import type { RunStore } from '../../lib/ports.ts';
import { changed } from '../support/changed.ts';
import { takeAll, takeLast } from '../support/runs.ts';
import {
  allVisitedOnce,
  base,
  child,
  children,
  db,
  found,
  lastAttempt,
  ports,
  putThings,
  usePorts,
  visit,
  visits,
  walkOut,
} from './walk.fixture.ts';

beforeEach(putThings);

const start = { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' };

/** Notes each callback that took effect, with a child. */
function note(ctx: HandlerContext & WritesContext, text: string): void {
  ctx.create(ctx.db.collection('notes').doc(), { text });
  ctx.start(child, { id: text });
}

async function notes(): Promise<string[]> {
  const { docs } = await db.collection('notes').get();
  return docs.map((document) => document.get('text') as string).toSorted();
}

const stopped = (name: string, ctx: CallbackContext<unknown>): void =>
  note(ctx, `${name} by ${ctx.by}${ctx.reason === undefined ? '' : `: ${ctx.reason}`}`);

const walk = iterativeTask({
  ...base,
  pageSize: 4,
  each: visit,
  onStart: (ctx) => note(ctx, `start ${ctx.total}`),
  onPause: (ctx) => stopped('pause', ctx),
  onCancel: (ctx) => stopped('cancel', ctx),
  onError: (ctx) => note(ctx, `error ${ctx.error.message} in ${ctx.error.document}`),
  onComplete: (ctx) => note(ctx, 'complete'),
});

function callback(): CallbackDelivery {
  const delivery = ports.queue.tasks.at(-1)?.delivery;
  return delivery?.kind === 'callback' ? delivery : expect.fail('no callback was enqueued');
}

/** A store whose next change of a run takes effect, and whose caller dies before it hears of it. */
function dyingAfterCommit(store: RunStore): RunStore {
  let isDying = true;
  return changed(store, {
    async changeRun(...given) {
      const change = await store.changeRun(...given);
      if (!isDying || change === undefined) return change;
      isDying = false;
      throw Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: 'died' });
    },
  });
}

describe('onStart', () => {
  test('takes effect with the beginning of the run, before any page, once', async () => {
    await startRun(walk, start, ports);
    const prepare = ports.queue.tasks[0]?.delivery;
    if (prepare?.kind !== 'prepare') expect.fail('no preparation was enqueued');
    expect((await Promise.all([1, 2, 3].map(() => prepareRun(walk, prepare, ports)))).toSorted()).toEqual([
      'prepared',
      'replayed',
      'replayed',
    ]);
    expect(await notes()).toEqual(['start 8']);
    expect(children()).toEqual(['start 8']);
    await takeAll(walk, ports);
    expect(await notes()).toEqual(['complete', 'start 8']);
    expect((await found()).run).toMatchObject({ state: 'completed', outbox: '[]' });
  });

  test('is replayed with its children when its preparation dies after the commit', async () => {
    await startRun(walk, start, ports);
    const { store } = ports;
    usePorts({ store: dyingAfterCommit(store) });
    await expect(takeLast(walk, ports)).rejects.toThrow('UNAVAILABLE');
    expect(children()).toEqual([]);
    usePorts({ store });
    expect(await takeLast(walk, ports)).toBe('replayed');
    expect(await notes()).toEqual(['start 8']);
    expect(children()).toEqual(['start 8']);
  });

  test('that fails is tried again, and the last failure of the budget ends the run before its first page', async () => {
    const failing = iterativeTask({
      ...base,
      maxFailures: 2,
      each: visit,
      onStart(ctx) {
        note(ctx, 'never');
        throw new Error('no budget');
      },
      onError: (ctx) => note(ctx, ctx.error.message),
    });
    await startRun(failing, start, ports);
    await expect(takeLast(failing, ports)).rejects.toThrow('no budget');
    expect((await found()).run).toMatchObject({ state: 'starting', failures: 1 });
    expect(await takeLast(failing, ports)).toBe('failed');
    expect((await found()).run).toMatchObject({ state: 'failed', error: { message: 'no budget' } });
    expect(await takeLast(failing, ports)).toBe('called');
    expect(await notes()).toEqual(['no budget']);
    expect(await visits()).toBe('a0 b0 c0 d0 e0 f0 g0 h0');
  });
});

describe('onPause', () => {
  beforeEach(async () => {
    await startRun(walk, start, ports);
    await takeLast(walk, ports);
  });

  test('is called once each time that the run has come to a stand, with who did it and why', async () => {
    await pauseRun('r', { by: 'ann', reason: 'lunch' }, ports);
    expect(await notes()).toEqual(['start 8']);
    const turn = ports.queue.tasks.find(({ delivery }) => delivery.kind === 'turn')?.delivery;
    expect(turn).toBeDefined();
    await takeAll(walk, ports);
    expect(await notes()).toEqual(['pause by ann: lunch', 'start 8']);
    await resumeRun('r', {}, ports);
    await pauseRun('r', { by: 'bob', force: true }, ports);
    await takeAll(walk, ports);
    expect(await notes()).toEqual(['pause by ann: lunch', 'pause by bob', 'start 8']);
    expect((await found()).run).not.toHaveProperty('owed');
  });

  test('takes effect once, however often and from how many places it is delivered', async () => {
    await pauseRun('r', { by: 'ann', force: true }, ports);
    const outcomes = await Promise.all([1, 2, 3].map(() => callBack(walk, callback(), ports)));
    expect(outcomes.filter((outcome) => outcome === 'called')).toHaveLength(1);
    expect(await notes()).toEqual(['pause by ann', 'start 8']);
    expect(children().filter((id) => id.startsWith('pause'))).toHaveLength(1);
  });

  test('is replayed with its children when it dies after its commit', async () => {
    await pauseRun('r', { by: 'ann', force: true }, ports);
    const delivery = callback();
    const dying = { ...ports, store: dyingAfterCommit(ports.store) };
    await expect(callBack(walk, delivery, dying)).rejects.toThrow('UNAVAILABLE');
    expect(children()).not.toContain('pause by ann');
    expect(await callBack(walk, delivery, ports)).toBe('replayed');
    expect(await notes()).toEqual(['pause by ann', 'start 8']);
    expect(children()).toContain('pause by ann');
    expect((await found()).run).toMatchObject({ state: 'paused', outbox: '[]' });
  });

  test('is called also when the run was resumed and paused again before, each in its turn', async () => {
    await pauseRun('r', { by: 'ann', force: true }, ports);
    const first = callback();
    await resumeRun('r', {}, ports);
    await pauseRun('r', { by: 'bob', force: true }, ports);
    const early = { ...first, number: first.number + 1 };
    await expect(callBack(walk, early, ports)).rejects.toMatchObject({ code: 'too-early' });
    expect(await callBack(walk, first, ports)).toBe('called');
    expect(await callBack(walk, callback(), ports)).toBe('called');
    expect(await notes()).toEqual(['pause by ann', 'pause by bob', 'start 8']);
  });

  test('of a run that goes on meanwhile changes nothing of it', async () => {
    await pauseRun('r', { by: 'ann', force: true }, ports);
    await resumeRun('r', {}, ports);
    await takeAll(walk, ports);
    expect((await found()).run).toMatchObject({ state: 'completed', outbox: '[]' });
    expect(await visits()).toBe(allVisitedOnce);
    expect(await notes()).toEqual(['complete', 'pause by ann', 'start 8']);
    const started = ['a', 'b', 'c', 'complete', 'd', 'e', 'f', 'g', 'h', 'pause by ann', 'start 8'];
    expect(children().toSorted()).toEqual(started);
  });

  test('whose task is lost is begun anew by the healer, and the old task is void', async () => {
    await pauseRun('r', { by: 'ann', force: true }, ports);
    const lost = callback();
    expect(await healRuns({ quietSeconds: 0 }, ports)).toMatchObject({ seen: 1, healed: [] });
    ports.queue.tasks.splice(-1);
    expect(await healRuns({ quietSeconds: 0 }, ports)).toMatchObject({ seen: 1, healed: ['r'] });
    expect(await callBack(walk, lost, ports)).toBe('void');
    expect(await callBack(walk, callback(), ports)).toBe('called');
    expect(await notes()).toEqual(['pause by ann', 'start 8']);
    expect(await healRuns({ quietSeconds: 0 }, ports)).toMatchObject({ seen: 0 });
  });
});

test('onCancel is called once when the run has stopped for good', async () => {
  await startRun(walk, start, ports);
  await takeLast(walk, ports);
  await cancelRun('r', { by: 'ann', reason: 'over' }, ports);
  await takeAll(walk, ports);
  await cancelRun('r', { by: 'bob' }, ports);
  await takeAll(walk, ports);
  expect((await found()).run).toMatchObject({ state: 'canceled' });
  expect(await notes()).toEqual(['cancel by ann: over', 'start 8']);
});

describe('onError', () => {
  const failing = (maxFailures = 1, fault: () => unknown = () => new Error('poison')) =>
    iterativeTask({
      ...base,
      maxFailures,
      onError: {
        documents: 'retry',
        run(ctx) {
          expectTypeOf(ctx.error).toEqualTypeOf<ErrorRecord>();
          note(ctx, `error ${ctx.error.message} in ${ctx.error.document}`);
        },
      },
      each(document, ctx) {
        if (document.id === 'c') throw fault();
        ctx.update(document.ref, { visits: FieldValue.increment(1) });
      },
    });

  test('is called once each time that the run has failed, with the cause of that time', async () => {
    let faults = 0;
    const task = failing(1, () => new Error(`poison ${(faults += 1)}`));
    await startRun(task, start, ports);
    await takeLast(task, ports);
    await walkOut(task);
    await retryRun('r', {}, ports);
    await walkOut(task);
    await takeAll(task, ports);
    expect((await found()).run).toMatchObject({ state: 'failed' });
    expect(await notes()).toEqual(['error poison 1 in things/c', 'error poison 2 in things/c']);
  });

  test('is enqueued by the next delivery when the one that ended the run died', async () => {
    const task = failing();
    await startRun(task, start, ports);
    await takeLast(task, ports);
    const dying = { ...ports, store: dyingAfterCommit(ports.store) };
    await expect(takeLast(task, dying)).rejects.toThrow('UNAVAILABLE');
    expect((await found()).run).toMatchObject({ state: 'failed' });
    expect(await takeLast(task, ports)).toBe('void');
    expect(await takeLast(task, ports)).toBe('called');
    expect(await notes()).toHaveLength(1);
  });
});

describe('a callback that fails', () => {
  let fault: () => unknown;
  const faulty = iterativeTask({
    ...base,
    maxFailures: 2,
    each: visit,
    onPause(ctx) {
      note(ctx, 'never');
      throw fault();
    },
  });

  beforeEach(async () => {
    await startRun(faulty, start, ports);
    await takeLast(faulty, ports);
    await pauseRun('r', { force: true }, ports);
    fault = () => new Error('no pager');
  });

  test('is given up at the last failure of its budget, is kept with the run, and hinders nothing', async () => {
    await expect(callBack(faulty, callback(), ports)).rejects.toThrow('no pager');
    expect(await callBack(faulty, callback(), ports)).toBe('given-up');
    expect(await callBack(faulty, callback(), ports)).toBe('replayed');
    expect(await getRun('r', ports.store)).toMatchObject({
      state: 'paused',
      callbackError: { callback: 'onPause', message: 'no pager', at: expect.any(Date) },
    });
    await resumeRun('r', {}, ports);
    await takeAll(faulty, ports);
    expect((await found()).run).toMatchObject({ state: 'completed' });
    expect(await notes()).toEqual([]);
  });

  test('by never ending uses its budget up, and lets those behind it be made', async () => {
    const hanging = iterativeTask({
      ...base,
      maxFailures: 2,
      each: visit,
      onPause: (ctx) => (ctx.reason === 'again' ? note(ctx, 'again') : new Promise(() => {})),
    });
    const first = callback();
    await resumeRun('r', {}, ports);
    await pauseRun('r', { force: true, reason: 'again' }, ports);
    const { clock } = ports;
    const after = (_: number, fire: () => void): (() => void) => (queueMicrotask(fire), () => {});
    usePorts({ clock: changed(clock, { after }) });
    await expect(callBack(hanging, first, ports)).rejects.toMatchObject({ code: 'deadline-exceeded' });
    expect(await callBack(hanging, first, ports)).toBe('given-up');
    expect(await getRun('r', ports.store)).toMatchObject({
      callbackError: { callback: 'onPause', message: expect.stringContaining('was not done after') },
    });
    usePorts({ clock });
    expect(await callBack(hanging, callback(), ports)).toBe('called');
    expect(await notes()).toEqual(['again']);
  });

  test('for good is given up at once', async () => {
    fault = () => new FatalTaskError('never');
    expect(await callBack(faulty, callback(), ports)).toBe('given-up');
  });

  test("by the platform's fault is not counted, and the last attempt begins it anew", async () => {
    fault = () => Object.assign(new Error('14 UNAVAILABLE'), { code: 14, details: 'gone' });
    const first = callback();
    for (let failures = 0; failures < 4; failures += 1)
      await expect(callBack(faulty, first, ports)).rejects.toThrow('UNAVAILABLE');
    expect(await callBack(faulty, first, ports, lastAttempt)).toBe('restarted');
    expect(await callBack(faulty, first, ports)).toBe('void');
    expect(callback()).toMatchObject({ number: 1, epoch: 1 });
  });
});

test('a definition whose callbacks are no functions is refused, and says what to write', () => {
  const define = (changes: object) => () => iterativeTask({ ...base, each: visit, ...changes });
  expect(define({ onPause: 'log' })).toThrow('has onPause "log": write onPause(ctx) { … }');
  expect(define({ onError: { documents: 'quarantine' } })).toThrow('has an onError without run');
  expect(define({ onError: { documents: 'never', run: () => {} } })).toThrow('has onError "never"');
  expect(define({ onError: 'never' })).toThrow('or a function that is called when a run has failed');
  expect(define({ onError: () => {}, tries: 2 })).toThrow("has tries, which go with onError: 'quarantine'");
  expect(define({ onError: { documents: 'quarantine', run: () => {} }, tries: 2 })()).toMatchObject({
    onError: 'quarantine',
    tries: 2,
  });
});
