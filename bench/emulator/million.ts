/**
 * Holds a million scheduled tasks, in memory (`node million.ts fill`) or in a file (`node million.ts fill FILE`), and prints as JSON what an
 * insert and a dispatch cost with few and with many, and what all take. `node million.ts open FILE` takes them up again.
 */
import { statSync } from 'node:fs';
import { Engine } from '../../emulator/engine/engine.ts';
import { SeededRandom } from '../../emulator/engine/random.ts';
import { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import { MemoryStore } from '../../emulator/store/memory.ts';
import { SqliteStore } from '../../emulator/store/sqlite.ts';

const COUNTS = [10_000, 100_000, 1_000_000] as const;
const DISPATCHES = 5_000;
const HOUR_MS = 3_600_000;
const parent = 'projects/bench/locations/us-central1';
const queueName = `${parent}/queues/later`;
const body = Buffer.from(JSON.stringify({ run: 'f5aa63a2c6b01ac3c507', shard: 3, turn: 17, epoch: 0 }));

const [phase, file] = process.argv.slice(2);
const clock = new VirtualClock(0);
const random = new SeededRandom(1);
const openedAt = performance.now();
const store = file === undefined ? new MemoryStore() : new SqliteStore(file, 0);
await using engine = new Engine({
  clock,
  random,
  store,
  dispatch: async () => ({ kind: 'response', httpStatus: 200 }),
  sizeOf: () => 0,
});
const openMs = performance.now() - openedAt;
const log = { ended: 0 };
engine.observe(({ kind }) => {
  if (kind === 'taskDeleted') log.ended += 1;
});

const costs = phase === 'fill' ? await fill() : { openMs };
globalThis.gc?.();
console.log(
  JSON.stringify({
    ...costs,
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    ...(file !== undefined && { fileMiB: statSync(file).size / 2 ** 20 }),
  }),
);

async function fill(): Promise<object> {
  const insertUs: Record<number, number> = {};
  const dispatchUs: Record<number, number> = {};
  engine.queues.create(parent, { name: queueName, rateLimits: { maxConcurrentDispatches: 5000 } });
  let held = 0;
  for (const count of COUNTS) {
    const window = Math.min(10_000, count);
    for (; held < count - window; held += 1) insert();
    insertUs[count] = await microsecondsOf(window, () => {
      for (; held < count; held += 1) insert();
    });
    // The first of them fall due: the queue's own rate lets them go, on a clock that takes no time.
    const until = log.ended + DISPATCHES;
    dispatchUs[count] = await microsecondsOf(DISPATCHES, async () => {
      while (log.ended < until) await clock.runNext();
    });
    held -= DISPATCHES;
  }
  while (held < 1_000_000) {
    insert();
    held += 1;
  }
  return { insertUs, dispatchUs };
}

function insert(): void {
  engine.tasks.create(queueName, {
    target: { kind: 'http', url: 'http://127.0.0.1:9/work', body },
    scheduleAt: clock.now() + HOUR_MS + random.next() * HOUR_MS,
  });
}

async function microsecondsOf(times: number, work: () => void | Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return ((performance.now() - startedAt) * 1000) / times;
}
