import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Dispatch } from '../../emulator/core/dispatch.ts';
import { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import { getRun, iterativeTask, throttleRun, worker, type IterativeTask } from '../../lib/index.ts';
import { startOn, type StartOptions } from '../../lib/start-task.ts';
import { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import { MemoryRunStore } from '../../lib/testing/memory-run-store.ts';
import { RecordingLog } from '../support/recording.ts';
import { callFunction, runtimeOf } from './call-function.ts';
import { EngineQueue, sleep, toolkitClock, virtualEngine } from './engine-queue.ts';

/** How long a handler takes. */
const handlerMs = 40;

interface Page {
  readonly at: number;
  readonly documents: number;
}

/** A walk over so many documents in virtual time, by the emulator's engine: its pages, and how long each delivery held a worker. */
class ThrottledWalk {
  readonly clock: VirtualClock = new VirtualClock(0);
  readonly db: MemoryFirestore = new MemoryFirestore();
  readonly pages: Page[] = [];
  readonly heldMs: number[] = [];
  readonly task: IterativeTask<z.ZodObject>;
  readonly #store = new MemoryRunStore(this.db);
  readonly #engine = virtualEngine(this.clock, 1, (request, signal) => this.#deliver(request, signal));
  readonly #ports = {
    store: this.#store,
    queue: new EngineQueue(this.#engine),
    clock: toolkitClock(this.clock),
    log: new RecordingLog(),
  };
  #run = '';

  constructor(
    documents: number,
    definition: Partial<Parameters<typeof iterativeTask<z.ZodObject, object>>[0]>,
  ) {
    this.db.commit((batch) => {
      for (let n = 0; n < documents; n += 1) batch.set(`things/${String(n).padStart(6, '0')}`, {});
    });
    this.task = iterativeTask<z.ZodObject, object>({
      name: 'walk',
      queue: 'iterate',
      params: z.object({}),
      query: (_, db) => db.collection('things'),
      page: async (found) => {
        this.pages.push({ at: this.clock.now(), documents: found.length });
        await sleep(this.clock, handlerMs);
      },
      ...definition,
    });
  }

  async start(options: StartOptions = {}): Promise<void> {
    const started = await startOn(
      this.#ports,
      this.task,
      {},
      { ...options, idempotencyKey: 'k', startedBy: 'test' },
    );
    this.#run = 'runId' in started ? started.runId : '';
  }

  async throttle(rate: number | null): Promise<void> {
    await throttleRun(this.#run, rate, {}, this.#ports);
  }

  /** Documents that each shard has handled. */
  async processed(): Promise<number[]> {
    const run = await getRun(this.#run, this.#store);
    return (run?.shards ?? []).map((shard) => shard.processed);
  }

  /** The boundaries of its shards. */
  async boundaries(): Promise<readonly string[]> {
    return (await this.#store.getRun(this.#run))?.run.boundaries ?? [];
  }

  /** Until nothing is due any more. Gives the milliseconds from its first page to its last. */
  async toItsEnd(): Promise<number> {
    while (await this.clock.runNext());
    expect(await getRun(this.#run, this.#store)).toMatchObject({ state: 'completed' });
    return (this.pages.at(-1)?.at ?? 0) - (this.pages[0]?.at ?? 0);
  }

  documentsWithin(from: number, to: number): number {
    return this.pages.reduce((sum, { at, documents }) => sum + (at >= from && at <= to ? documents : 0), 0);
  }

  async #deliver(...[request]: Parameters<Dispatch>): ReturnType<Dispatch> {
    const from = this.clock.now();
    const runtime = runtimeOf(this.#ports);
    const answer = await callFunction(
      worker(this.task, () => runtime),
      request,
    );
    this.heldMs.push(this.clock.now() - from);
    return answer;
  }
}

/** In no time more than the rate allows in it, and a page of each shard. */
function expectLaw({ pages }: ThrottledWalk, perSecond: number, shards: number): void {
  const largest = Math.max(...pages.map(({ documents }) => documents));
  expect(largest).toBeLessThanOrEqual(Math.max(1, perSecond));
  for (const [first, { at: from }] of pages.entries()) {
    let documents = 0;
    for (const page of pages.slice(first)) {
      documents += page.documents;
      const allowed = (perSecond * (page.at - from)) / 1_000 + largest * shards;
      expect(documents).toBeLessThanOrEqual(allowed + 1e-6);
    }
  }
}

test.each([
  ['pages that are larger than the rate allows', 10, 500, 1],
  ['pages of less than a second', 200, 50, 1],
  ['several shards', 20, 100, 4],
  ['more shards than documents a second', 2, 100, 4],
])(
  'with %s a run keeps to its rate, comes near it, and holds no worker',
  async (_, perSecond, pageSize, shards) => {
    const documents = perSecond * 20;
    const walk = new ThrottledWalk(documents, { pageSize, shards, documentsPerSecond: perSecond });
    await walk.start();
    const tookMs = await walk.toItsEnd();
    expect(walk.documentsWithin(0, Infinity)).toBe(documents);
    expectLaw(walk, perSecond, shards);
    // Twenty seconds, without those behind the last pages.
    expect(tookMs).toBeLessThanOrEqual(20_000 + (shards / perSecond) * 1_000);
    expect(tookMs).toBeGreaterThanOrEqual(20_000 - Math.max(1, shards / perSecond) * 1_000);
    expect(Math.max(...walk.heldMs)).toBeLessThanOrEqual(handlerMs);
  },
);

test('shards have equal shares of the rate', async () => {
  const walk = new ThrottledWalk(400, { shards: 4, documentsPerSecond: 20 });
  await walk.start();
  await walk.clock.advanceTo(10_000);
  const processed = await walk.processed();
  expect(processed).toHaveLength(4);
  expect(Math.max(...processed) - Math.min(...processed)).toBeLessThanOrEqual(5);
  expect(processed.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(180);
});

test('a shard that is left alone has the whole rate', async () => {
  const walk = new ThrottledWalk(800, { shards: 4, documentsPerSecond: 20 });
  await walk.start();
  while ((await walk.boundaries()).length === 0) await walk.clock.runNext();
  // Somebody deletes nearly all that the first three shards were to walk over.
  const [, , last = ''] = await walk.boundaries();
  walk.db.commit((batch) => {
    for (const { ref } of walk.db.documentsIn(['things']))
      if (ref.path < last && !ref.path.endsWith('00')) batch.delete(ref.path);
  });
  const left = walk.db.documentsIn(['things']).length;
  expect(left).toBeGreaterThan(190);
  const tookMs = await walk.toItsEnd();
  expectLaw(walk, 20, 4);
  // At a quarter of the rate it would be forty seconds.
  expect(tookMs).toBeLessThanOrEqual((left / 20) * 1_000 + 3_000);
});

test('a rate that is changed while the run goes on holds from then on, and none is none', async () => {
  const walk = new ThrottledWalk(2_000, { pageSize: 50 });
  await walk.start({ documentsPerSecond: 50 });
  await walk.clock.advanceTo(10_000);
  expect(walk.documentsWithin(0, 10_000)).toBeGreaterThanOrEqual(450);
  await walk.throttle(5);
  await walk.clock.advanceTo(30_000);
  // A page that was due, and five a second.
  expect(walk.documentsWithin(10_001, 30_000)).toBeLessThanOrEqual(105);
  expect(walk.documentsWithin(11_000, 30_000)).toBeGreaterThanOrEqual(90);
  await walk.throttle(null);
  await walk.toItsEnd();
  expect(walk.clock.now()).toBeLessThan(40_000);
  expect(walk.documentsWithin(0, Infinity)).toBe(2_000);
});

test("Firestore's ramp holds a run back, less every five minutes", async () => {
  const minutes = 60_000;
  const walk = new ThrottledWalk(1_500, { ramp: { writesPerDocument: 500 }, pageSize: 10 });
  await walk.start();
  await walk.clock.advanceTo(15 * minutes);
  const counts = [0, 5, 10].map((from) => walk.documentsWithin(from * minutes, (from + 5) * minutes - 1));
  // One a second, one and a half, two and a quarter.
  for (const [index, expected] of [300, 450, 675].entries())
    expect(Math.abs((counts[index] ?? 0) - expected)).toBeLessThanOrEqual(2);
  await walk.toItsEnd();
});

test('a throttle that says wait has all shards stand until it says nothing', async () => {
  const opensAt = 3_600_000;
  let asked = 0;
  const walk: ThrottledWalk = new ThrottledWalk(100, {
    shards: 4,
    throttle: () => {
      asked += 1;
      return walk.clock.now() < opensAt ? 600 : undefined;
    },
  });
  await walk.start();
  await walk.toItsEnd();
  expect(walk.pages[0]?.at).toBeGreaterThanOrEqual(opensAt);
  // Each shard asks six times in vain, then for its page of 25 documents.
  expect(asked).toBe(4 * 7);
  expect(Math.max(...walk.heldMs)).toBeLessThanOrEqual(handlerMs);
});
