/**
 * Has an emulator that runs already deliver tasks that are due at once, each to be seen once at a target that answers at once:
 * `node bench/emulator/deliver.ts URL COUNT`. Prints what it took as JSON.
 */
import { Load, Target } from './load.ts';

const [url = '', count = '1000'] = process.argv.slice(2);
await using target = new Target();
await using load = new Load('memory', url, target, await target.listen());
await load.makeQueues('memory');
const startedAt = performance.now();
const speeds = await load.throughput(Number(count));
console.log(
  JSON.stringify({ count: Number(count), seconds: (performance.now() - startedAt) / 1000, ...speeds }),
);
