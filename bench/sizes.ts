import type { QueryDocumentSnapshot } from '@google-cloud/firestore';
import { z } from 'zod';
import type { OutboxTask } from '../lib/core/outbox.ts';
import { iterativeTask } from '../lib/index.ts';
import { KnownRuns } from '../lib/known-runs.ts';
import type { Cursor } from '../lib/core/cursor.ts';
import type { Page, Ports } from '../lib/ports.ts';
import { startRun } from '../lib/start-run.ts';
import { systemClock } from '../lib/system-clock.ts';
import { takeDelivery } from '../lib/take-delivery.ts';
import { MemoryFirestore } from '../lib/testing/memory-firestore.ts';
import { MemoryRunStore } from '../lib/testing/memory-run-store.ts';
import { median } from './statistics.ts';

const pageSize = 500;
const largest = 10_000_000;
const sizes = [10_000, 100_000, 1_000_000, largest];
const rounds = 3;
/** Of each size are walked at least this many a round, in as many runs as that takes. */
const leastDocuments = 500_000;

/** What the toolkit itself takes for a page of a walk of so many documents, over a store that answers at once. */
export interface SizeScore {
  readonly documents: number;
  readonly pages: number;
  /** Processor time of a page, with its share of the run's start and end; median of the rounds. */
  readonly pageUs: number;
  /** Over that of the smallest size. */
  readonly ratio: number;
}

/** The memory store with a collection that is computed: document n has the id n. */
class ComputedStore extends MemoryRunStore {
  readonly #documents: number;

  constructor(documents: number) {
    super(new MemoryFirestore());
    this.#documents = documents;
  }

  override async readPage(
    ...[, , after, limit]: Parameters<MemoryRunStore['readPage']>
  ): Promise<Page<never>> {
    const from = after === null ? 0 : Number(after.path.split('/')[1]) + 1;
    const length = Math.max(0, Math.min(limit, this.#documents - from));
    return {
      documents: Array.from({ length }, (_, place) => computed(from + place)),
      positionOf: ({ ref: { path } }): Cursor => ({ path, values: [], readable: [path] }),
    };
  }

  override async count(): Promise<number> {
    return this.#documents;
  }
}

function computed(n: number): QueryDocumentSnapshot<never> {
  const id = String(n).padStart(9, '0');
  return { id, ref: { id, path: `things/${id}` } } as unknown as QueryDocumentSnapshot<never>;
}

export async function compareSizes(): Promise<SizeScore[]> {
  const usPerPage = new Map<number, number[]>(sizes.map((documents) => [documents, []]));
  // The first round is for warming up. The sizes take turns, so that what else the machine does falls on all of them.
  for (let round = -1; round < rounds; round += 1) {
    for (const [documents, times] of usPerPage) {
      if (documents === largest && round !== 1) continue;
      const walks = Math.max(1, leastDocuments / documents);
      let us = 0;
      for (let n = 0; n < walks; n += 1) us += await walk(documents);
      if (round >= 0) times.push((us * pageSize) / (documents * walks));
    }
  }
  const smallest = median([...usPerPage.values()][0] ?? []);
  return [...usPerPage].map(([documents, times]) => {
    const pageUs = median(times);
    return { documents, pages: documents / pageSize, pageUs, ratio: pageUs / smallest };
  });
}

/** Walks the collection from the run's start to its completion, with a queue that is a list. Gives its processor time, which other processes do not change. */
async function walk(documents: number): Promise<number> {
  const tasks: OutboxTask[] = [];
  let seen = 0;
  const ports: Ports = {
    store: new ComputedStore(documents),
    queue: {
      async enqueue(task) {
        tasks.push(task);
        return 'created';
      },
      has: async () => true,
    },
    clock: systemClock,
    log: { write() {} },
    knownRuns: new KnownRuns(),
  };
  const task = iterativeTask({
    name: 'bench-sizes',
    queue: 'iterate',
    params: z.object({}),
    pageSize,
    query: (_, db) => db.collection('things'),
    page: (found) => void (seen += found.length),
  });
  const attempt = { retries: 0, isLast: async () => false, firstMadeAt: async () => undefined };
  const before = process.cpuUsage();
  await startRun(task, { run: 'r', queue: task.queue, params: {}, startedBy: 'bench' }, ports);
  for (let next = tasks.shift(); next !== undefined; next = tasks.shift()) {
    const { delivery } = next;
    if (delivery.kind === 'task') throw new Error('the bench starts no child');
    await takeDelivery(task, delivery, ports, attempt);
  }
  const { user, system } = process.cpuUsage(before);
  const state = (await ports.store.getRun('r'))?.run.state;
  if (seen !== documents || state !== 'completed')
    throw new Error(`${seen} of ${documents} documents were walked, and the run is ${state}`);
  return user + system;
}
