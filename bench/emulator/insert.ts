/**
 * What an insert costs in memory and with a file, in turns in one process, so that other work on the machine falls on both: processor time, which
 * counts the system's. `node bench/emulator/insert.ts`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newQueue } from '../../emulator/core/queue-rules.ts';
import { newTask } from '../../emulator/core/task-rules.ts';
import { MemoryStore } from '../../emulator/store/memory.ts';
import { SqliteStore } from '../../emulator/store/sqlite.ts';
import type { TaskStore } from '../../emulator/store/store.ts';
import { quantile } from '../statistics.ts';

const ROUNDS = 60;
const BATCH = 250;
const queue = 'projects/bench/locations/us-central1/queues/later';
const body = Buffer.from(JSON.stringify({ run: 'f5aa63a2c6b01ac3c507', shard: 3, turn: 17, epoch: 0 }));

const folder = mkdtempSync(join(tmpdir(), 'pageturner-bench-'));
using file = new SqliteStore(join(folder, 'tasks.db'), 0);
const stores = { memory: new MemoryStore(), file };
const costs = { memory: [] as number[], file: [] as number[] };
let count = 0;
for (const store of Object.values(stores)) store.putQueue(newQueue(queue, {}));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const name of ['memory', 'file'] as const) costs[name].push(microsecondsOf(stores[name]));
}
for (const [name, values] of Object.entries(costs)) {
  // The first rounds are those in which the code is compiled.
  const warm = values.slice(ROUNDS / 4);
  const [low, middle] = [quantile(warm, 0.1), quantile(warm, 0.5)].map((value) => value.toFixed(1));
  console.log(`${name.padEnd(8)} ${low} µs at best (a tenth of the rounds), ${middle} µs in the middle`);
}
rmSync(folder, { recursive: true });

function microsecondsOf(store: TaskStore): number {
  const before = process.cpuUsage();
  for (let index = 0; index < BATCH; index += 1) {
    count += 1;
    const target = { kind: 'http', url: 'http://127.0.0.1:9/work', body } as const;
    store.insertTask(newTask(`${queue}/tasks/${count}`, { target, scheduleAt: count * 7919 }, 0));
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / BATCH;
}
