/**
 * What the telemetry of one page costs where no SDK is registered: the request's trace, the span of the delivery, those of the five
 * things that a turn waits for, and the measurements, beside the same calls without any of it. Run: node bench/telemetry.ts
 */
import type { Delivery } from '../lib/core/delivery.ts';
import { newShard } from '../lib/core/run.ts';
import { drain } from '../lib/drain.ts';
import type { Ports } from '../lib/ports.ts';
import { withRequestTrace } from '../lib/request-trace.ts';
import { systemClock } from '../lib/system-clock.ts';
import { observeDelivery } from '../lib/telemetry/observe-delivery.ts';
import { observeHandler } from '../lib/telemetry/observe-handler.ts';
import { observedPorts } from '../lib/telemetry/observed-ports.ts';
import { median } from './statistics.ts';

const pages = 20_000;
const rounds = 7;
const labels = { task: 'walk', queue: 'iterate' };
const delivery: Delivery = { kind: 'turn', run: 'r', shard: 0, turn: 0, epoch: 0, cursor: null };
const before = newShard(0, 0);
const after = { ...before, turn: 1, processed: 100, pages: 1 };
const next = { id: 't', queue: 'iterate', worker: 'walk', delivery, timeoutSeconds: 60 };
const headers: Readonly<Record<string, string>> = {
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  'X-CloudTasks-TaskName': 't',
  'X-CloudTasks-TaskRetryCount': '0',
};

/** Round trips that take no time, so that what is left is the cost of the calls. */
const ports = {
  store: { readTurn: async () => {}, readPage: async () => {}, commitTurn: async () => 'committed' },
  queue: { enqueue: async () => 'created' },
  clock: systemClock,
  log: { write() {} },
} as unknown as Ports;

async function turn({ store, queue }: Ports, isObserved: boolean): Promise<string> {
  await store.readTurn('r', 0);
  await store.readPage(undefined as never, undefined as never, null, 100);
  const handle = async (): Promise<void> => {};
  await (isObserved ? observeHandler({ ...labels, handler: 'page', clock: systemClock }, handle) : handle());
  const result = await store.commitTurn('r', { value: before, version: 0, writtenAt: 0 }, after, []);
  await (isObserved ? drain([next], queue) : queue.enqueue(next));
  return result;
}

const header = (name: string): string | undefined => headers[name];
const bare = (): Promise<string> => turn(ports, false);
const observed = (): Promise<string | undefined> =>
  withRequestTrace(header, () =>
    observeDelivery(labels, delivery, { header, clock: systemClock, failed() {} }, () =>
      turn(observedPorts(ports, labels), true),
    ),
  );

/** Of processor time, which does not care what else the machine does. */
async function microsecondsAPage(work: () => Promise<unknown>): Promise<number> {
  const startedAt = process.cpuUsage();
  for (let page = 0; page < pages; page += 1) await work();
  const { user, system } = process.cpuUsage(startedAt);
  return (user + system) / pages;
}

const results: { readonly bare: number; readonly observed: number }[] = [];
for (let round = 0; round < rounds; round += 1)
  results.push({ bare: await microsecondsAPage(bare), observed: await microsecondsAPage(observed) });
const [bareUs, observedUs] = [
  median(results.map((one) => one.bare)),
  median(results.map((one) => one.observed)),
];
process.stdout.write(
  `Without an SDK, telemetry costs ${(observedUs - bareUs).toFixed(1)} µs of processor time a page ` +
    `(${observedUs.toFixed(1)} µs with it, ${bareUs.toFixed(1)} µs without; median of ${rounds} rounds of ${pages} pages).\n`,
);
