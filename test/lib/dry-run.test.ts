import type { CollectionReference, Firestore } from '@google-cloud/firestore';
import { beforeEach, expect, test } from 'vitest';
import { cancelRun, getRun, iterativeTask, pauseRun, resumeRun, retryRun } from '../../lib/index.ts';
import { startOn } from '../../lib/start-task.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import { takeLast } from '../support/runs.ts';
import { base, child, db, ports, putThings, visit, type Each } from './walk.fixture.ts';

beforeEach(putThings);

/** Asks for a write of every kind, and for a task, at each document. */
const asking: Each = (document, ctx) => {
  ctx.update(document.ref, { visits: 1 });
  ctx.set(ctx.db.doc(`copies/${document.id}`), { secret: 'value' });
  if (document.id === 'a') ctx.create(ctx.db.doc('firsts/a'), {});
  if (document.id === 'h') ctx.delete(document.ref);
  ctx.start(child, { id: document.id });
};
const walk = iterativeTask({
  ...base,
  pageSize: 3,
  each: asking,
  onComplete(ctx) {
    ctx.set(ctx.db.doc('summaries/last'), { processed: ctx.processed, dryRun: ctx.dryRun });
    ctx.start(child, { id: 'end' });
  },
});

/** Starts and delivers what is enqueued last, until the run has ended. */
async function dryRun(task: typeof walk, options: object = {}): Promise<string> {
  const started = await startOn(ports, task, {}, { dryRun: true, startedBy: 'test', ...options });
  if (!('runId' in started)) return expect.fail('no run');
  await walkOn(task, started.runId);
  return started.runId;
}

async function walkOn(task: typeof walk, runId: string): Promise<void> {
  for (let delivery = 0; delivery < 40; delivery += 1) {
    await takeLast(task, ports).catch(() => 'again');
    const { endedAt } = (await getRun(runId, ports.store)) ?? {};
    if (endedAt !== undefined) return;
  }
  expect.fail('the run does not end');
}

/** Every document of the database that is not a run's own record. */
async function everythingElse(database: Firestore): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  const read = async (collection: CollectionReference): Promise<void> => {
    for (const document of (await collection.get()).docs) {
      all[document.ref.path] = document.data();
      for (const below of await document.ref.listCollections()) await read(below);
    }
  };
  for (const collection of await database.listCollections())
    if (collection.id !== 'pageturnerRuns') await read(collection);
  return all;
}

test('a dry run walks to its end, changes nothing but its own records, and enqueues nothing but its own tasks', async () => {
  const before = await everythingElse(db);
  const runId = await dryRun(walk);
  expect(await everythingElse(db)).toEqual(before);
  expect(new Set(ports.queue.tasks.map(({ worker }) => worker))).toEqual(new Set(['walk']));
  expect((await db.collection('pageturnerRuns').listDocuments()).map(({ id }) => id)).toEqual([runId]);
});

test('no run follows a dry run, also where its task repeats', async () => {
  await dryRun(iterativeTask({ ...base, each: asking, repeat: { after: 60 } }), { repeat: { after: 1 } });
  expect(await db.collection('pageturnerRuns').listDocuments()).toHaveLength(1);
});

test('a dry run waits for no children: it has started none', async () => {
  const runId = await dryRun(iterativeTask({ ...base, each: asking, waitForChildren: true }));
  expect(await getRun(runId, ports.store)).toMatchObject({ state: 'completed' });
});

test('a dry run reports what its pages and its completion asked for, with paths and without values', async () => {
  const run = await getRun(await dryRun(walk), ports.store);
  expect(run).toMatchObject({ state: 'completed', dryRun: true, processed: 8, pages: 3, started: 0 });
  expect(run?.report).toMatchObject({ set: 9, update: 8, create: 1, delete: 1, started: { child: 9 } });
  expect(run?.report?.sample.slice(0, 4)).toEqual([
    { kind: 'update', path: 'things/a' },
    { kind: 'set', path: 'copies/a' },
    { kind: 'create', path: 'firsts/a' },
    { kind: 'update', path: 'things/b' },
  ]);
  expect(JSON.stringify((await db.doc(`pageturnerRuns/${run?.id}/shards/0`).get()).data())).not.toContain(
    'secret',
  );
});

test('the sample is bounded, however much is asked for', async () => {
  const many = iterativeTask({
    ...base,
    each(document, ctx) {
      for (let place = 0; place < 10; place += 1) ctx.set(ctx.db.doc(`out/${document.id}${place}`), {});
    },
  });
  const { report } = (await getRun(await dryRun(many), ports.store)) ?? {};
  expect(report).toMatchObject({ set: 80 });
  expect(report?.sample).toHaveLength(20);
});

test('handlers are told that nothing of it will be done', async () => {
  const told: boolean[] = [];
  const telling = iterativeTask({
    ...base,
    page: (_, ctx) => void told.push(ctx.dryRun),
    onComplete: (ctx) => void told.push(ctx.dryRun),
  });
  await dryRun(telling);
  expect(told).toEqual([true, true]);
});

test('callbacks are called, and do nothing either', async () => {
  const told: (string | boolean)[] = [];
  const calling = iterativeTask({
    ...base,
    page: () => {},
    onStart(ctx) {
      told.push('onStart', ctx.dryRun);
      ctx.create(ctx.db.doc('summaries/first'), {});
    },
    onCancel(ctx) {
      told.push('onCancel', ctx.dryRun);
      ctx.delete(ctx.db.doc('things/a'));
      ctx.start(child, { id: 'canceled' });
    },
  });
  const before = await everythingElse(db);
  const started = await startOn(ports, calling, {}, { dryRun: true, startedBy: 'test' });
  const runId = 'runId' in started ? started.runId : expect.fail('no run');
  expect(await takeLast(calling, ports)).toBe('prepared');
  await cancelRun(runId, { force: true }, ports);
  expect(await takeLast(calling, ports)).toBe('called');
  expect(told).toEqual(['onStart', true, 'onCancel', true]);
  expect(await getRun(runId, ports.store)).toMatchObject({
    state: 'canceled',
    report: { create: 1, delete: 1, started: { child: 1 } },
  });
  expect(await everythingElse(db)).toEqual(before);
  expect(new Set(ports.queue.tasks.map(({ worker }) => worker))).toEqual(new Set(['walk']));
});

test('what a callback asked for is reported also when the run is prepared while the callback is at work', async () => {
  const calling = iterativeTask({
    ...base,
    page: () => {},
    onStart(ctx) {
      ctx.create(ctx.db.doc('summaries/first'), {});
    },
    async onPause(ctx) {
      ctx.delete(ctx.db.doc('things/a'));
      // The preparation that the resume has enqueued.
      expect(await takeLast(calling, ports)).toBe('prepared');
    },
  });
  const started = await startOn(ports, calling, {}, { dryRun: true, startedBy: 'test' });
  const runId = 'runId' in started ? started.runId : expect.fail('no run');
  await pauseRun(runId, {}, ports);
  const callback = ports.queue.tasks.at(-1)?.delivery;
  if (callback?.kind !== 'callback') return expect.fail('no callback is owed');
  await resumeRun(runId, {}, ports);
  expect(await takeDelivery(calling, callback, ports)).toBe('called');
  expect(await getRun(runId, ports.store)).toMatchObject({
    state: 'running',
    report: { create: 1, delete: 1 },
  });
});

test('documents that fail are set aside in the run, and a retry takes them again without doing anything either', async () => {
  let isBroken = true;
  const failing = iterativeTask({
    ...base,
    onError: 'quarantine',
    tries: 1,
    each(document, ctx) {
      void visit(document, ctx);
      if (isBroken && document.id === 'c') throw new Error('poison');
    },
  });
  const before = await everythingElse(db);
  const runId = await dryRun(failing);
  expect(await getRun(runId, ports.store)).toMatchObject({ processed: 7, quarantined: 1 });
  isBroken = false;
  await retryRun(runId, {}, ports);
  await walkOn(failing, runId);
  expect(await getRun(runId, ports.store)).toMatchObject({
    state: 'completed',
    processed: 8,
    quarantined: 0,
    report: { update: 8, started: { child: 8 } },
  });
  expect(await everythingElse(db)).toEqual(before);
  expect((await db.collection(`pageturnerRuns/${runId}/setAside`).get()).size).toBe(0);
});

test('a dry run that fails keeps the error', async () => {
  const failing = iterativeTask({
    ...base,
    onError: 'fail',
    page: () => {
      throw new Error('poison');
    },
  });
  const runId = await dryRun(failing);
  expect(await getRun(runId, ports.store)).toMatchObject({
    state: 'failed',
    dryRun: true,
    lastError: { message: 'poison' },
  });
});

test('a dry run neither holds a key nor waits for one, and is never taken for a real start with its idempotency key', async () => {
  const visiting = iterativeTask({ ...base, each: visit });
  const options = { key: 'spring', idempotencyKey: 'once', startedBy: 'test' };
  const dry = await dryRun(visiting, options);
  const started = await startOn(ports, visiting, {}, options);
  expect(started).not.toEqual({ runId: dry });
  const whileHeld = startOn(ports, visiting, {}, { ...options, idempotencyKey: 'other', dryRun: true });
  expect(await whileHeld).not.toEqual(started);
  await expect(startOn(ports, visiting, {}, { ...options, idempotencyKey: 'other' })).rejects.toThrow(
    'spring',
  );
});

test('a one-shot task has no dry run, and is not run instead', async () => {
  const start = startOn(ports, child, { id: 'a' }, { dryRun: true, startedBy: 'test' });
  await expect(start).rejects.toMatchObject({ code: 'invalid-parameters' });
  expect(ports.queue.tasks).toEqual([]);
});
