/** Holds a million scheduled tasks, and prints as JSON what an insert cost at the beginning and at the end, and what all take. */
import { Engine } from '../../emulator/engine/engine.ts';
import { SeededRandom } from '../../emulator/engine/random.ts';
import { SystemClock } from '../../emulator/engine/system-clock.ts';
import { MemoryStore } from '../../emulator/store/memory.ts';

const COUNTS = [10_000, 100_000, 1_000_000] as const;
const parent = 'projects/bench/locations/us-central1';
const clock = new SystemClock();
const random = new SeededRandom(1);
await using engine = new Engine({
  clock,
  random,
  store: new MemoryStore(),
  dispatch: async () => ({ kind: 'response', httpStatus: 200 }),
  sizeOf: () => 0,
});
const queue = engine.queues.create(parent, { name: `${parent}/queues/later` }).name;
const body = Buffer.from(JSON.stringify({ run: 'f5aa63a2c6b01ac3c507', shard: 3, turn: 17, epoch: 0 }));
const microsecondsAt: Record<number, number> = {};
let held = 0;
for (const count of COUNTS) {
  const window = Math.min(10_000, count);
  let startedAt = performance.now();
  for (; held < count; held += 1) {
    if (held === count - window) startedAt = performance.now();
    engine.tasks.create(queue, {
      target: { kind: 'http', url: 'http://127.0.0.1:9/work', body },
      scheduleAt: clock.now() + 3_600_000 + random.next() * 3_600_000,
    });
  }
  microsecondsAt[count] = ((performance.now() - startedAt) * 1000) / window;
}
globalThis.gc?.();
console.log(JSON.stringify({ microsecondsAt, rssMiB: process.memoryUsage.rss() / 2 ** 20 }));
