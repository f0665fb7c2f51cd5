import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Dispatch, DispatchRequest, DispatchResult } from '../../emulator/core/dispatch.ts';
import type { Engine } from '../../emulator/engine/engine.ts';
import { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import { iterativeTask, worker } from '../../lib/index.ts';
import { startOn } from '../../lib/start-task.ts';
import { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import { MemoryRunStore } from '../../lib/testing/memory-run-store.ts';
import { RecordingLog } from '../support/recording.ts';
import { callFunction, runtimeOf } from './call-function.ts';
import { contentOf, EngineQueue, location, sleep, toolkitClock, virtualEngine } from './engine-queue.ts';

const images = 1_437;
const pageSize = 3;
const pages = Math.ceil(images / pageSize);
const slowEvery = 50;
const slowPages = Math.floor(pages / slowEvery);
const iterate = `${location}/queues/iterate`;

interface Outcome {
  readonly tasks: number;
  readonly deliveries: number;
  readonly handled: number;
}

test('a chain of unnamed tasks doubles at each timeout; ours stays one chain', async () => {
  const naive = await naiveChain();
  const ours = await pageturnerChain();
  expect(ours).toEqual({ tasks: pages + 4, deliveries: pages + 4 + slowPages, handled: images });
  expect(naive).toEqual({ tasks: 40_910, deliveries: 41_421, handled: 122_727 });
});

/** Each fiftieth page takes longer than its deadline, at its first attempt: the queue gives the attempt up, and the worker goes on. */
function withSlowPages(clock: VirtualClock, pageOf: (body: string) => number, deliver: Dispatch): Dispatch {
  return async (request, signal) => {
    const { body } = contentOf(request.task);
    const isSlow = pageOf(body) % slowEvery === slowEvery - 1 && request.task.dispatchCount === 0;
    if (!isSlow) return await deliver(request, signal);
    const deadlineMs = request.task.dispatchDeadlineMs;
    void sleep(clock, deadlineMs + 10_000).then(() => deliver(request, signal));
    await sleep(clock, deadlineMs);
    return { kind: 'timeout' };
  };
}

/** What one writes first: take a page, then enqueue the next one, as the last act, without a name. */
async function naiveChain(): Promise<Outcome> {
  let handled = 0;
  const naiveWorker = async ({ task }: DispatchRequest): Promise<DispatchResult> => {
    const { page } = JSON.parse(contentOf(task).body) as { page: number };
    const documents = Math.min(pageSize, images - page * pageSize);
    handled += documents;
    if (documents === pageSize) createTask({ page: page + 1 });
    return { kind: 'response', httpStatus: 200 };
  };
  const createTask = (body: object): void => {
    const target = {
      kind: 'http' as const,
      url: 'https://naive.example/',
      body: Buffer.from(JSON.stringify(body)),
    };
    engine.tasks.create(iterate, { target });
  };

  const clock = new VirtualClock(0);
  const pageOf = (body: string): number => (JSON.parse(body) as { page: number }).page;
  const engine = virtualEngine(clock, 1, withSlowPages(clock, pageOf, naiveWorker));
  const counts = countsOf(engine);
  createTask({ page: 0 });
  while (await clock.runNext());
  return { ...counts(), handled };
}

async function pageturnerChain(): Promise<Outcome> {
  const db = new MemoryFirestore();
  db.commit((batch) => {
    for (let n = 0; n < images; n += 1) batch.set(`images/${n}`, {});
  });
  let handled = 0;
  const clock = new VirtualClock(0);
  const resize = iterativeTask({
    name: 'resize',
    queue: 'iterate',
    params: z.object({}),
    query: (_, client) => client.collection('images'),
    pageSize,
    page(documents) {
      handled += documents.length;
    },
  });
  const pageOf = (body: string): number => (JSON.parse(body) as { turn?: number }).turn ?? 0;
  const deliver: Dispatch = async (request) =>
    await callFunction(
      worker(resize, () => runtimeOf(ports)),
      request,
    );
  const engine = virtualEngine(clock, 1, withSlowPages(clock, pageOf, deliver));
  const counts = countsOf(engine);
  const ports = {
    store: new MemoryRunStore(db),
    queue: new EngineQueue(engine),
    clock: toolkitClock(clock),
    log: new RecordingLog(),
  };
  await startOn(ports, resize, {}, { startedBy: 'test' });
  while (await clock.runNext());
  return { ...counts(), handled };
}

function countsOf(engine: Engine): () => { tasks: number; deliveries: number } {
  const counts = { tasks: 0, deliveries: 0 };
  engine.observe(({ kind }) => {
    if (kind === 'taskCreated') counts.tasks += 1;
    if (kind === 'attemptStarted') counts.deliveries += 1;
  });
  return () => counts;
}
