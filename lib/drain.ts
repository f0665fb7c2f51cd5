import { SpanKind } from '@opentelemetry/api';
import { changeIfSame } from './change-if-same.ts';
import { callbackTask } from './core/owing.ts';
import { childrenOf } from './core/control.ts';
import type { OutboxTask } from './core/outbox.ts';
import type { Run, Shard } from './core/run.ts';
import type { Ports, TaskQueue } from './ports.ts';
import { inSpan } from './telemetry/spans.ts';

/** Enough to hide the round trips, few enough for one connection. */
const concurrency = 50;

/**
 * Enqueues what a commit stored: the children, and when all of them are in their queues, the chain's own next task, which stands
 * last. A crash anywhere in between leaves a chain that has not moved on, so its task is delivered again and drains again.
 *
 * @returns whether the last one is in its queue since now, or was before; undefined when there was none
 */
export async function drain(
  outbox: readonly OutboxTask[],
  queue: TaskQueue,
): Promise<'created' | 'exists' | undefined> {
  if (outbox.length === 0) return undefined;
  const attributes = {
    'messaging.system': 'gcp_cloud_tasks',
    'messaging.batch.message_count': outbox.length,
  };
  return await inSpan('enqueue', { kind: SpanKind.PRODUCER, attributes }, () => enqueueAll(outbox, queue));
}

async function enqueueAll(
  outbox: readonly OutboxTask[],
  queue: TaskQueue,
): Promise<'created' | 'exists' | undefined> {
  const children = outbox.slice(0, -1);
  for (let start = 0; start < children.length; start += concurrency) {
    await Promise.all(children.slice(start, start + concurrency).map((child) => queue.enqueue(child)));
  }
  const next = outbox.at(-1);
  return next && (await queue.enqueue(next));
}

/** Enqueues the next callback that a run owes. */
export async function drainOwed(run: Run, queue: TaskQueue): Promise<void> {
  const next = callbackTask(run);
  if (next !== undefined) await queue.enqueue(next);
}

/** Enqueues what a run has to, and then drops the children from its outbox, so that they are not enqueued again long after. */
export async function drainRun(run: Run, { store, queue }: Ports): Promise<void> {
  await drain(run.outbox, queue);
  await drainOwed(run, queue);
  const children = childrenOf(run, run);
  if (children.length === 0) return;
  await changeIfSame(run, store, ({ run: now }) => ({
    run: { ...now, outbox: now.outbox.filter(({ id }) => !children.some((child) => child.id === id)) },
    reliesOn: 'written',
  }));
}

/**
 * Enqueues what a shard has to, unless the queue shows that it was: the chain's own next task is enqueued last. (The children may
 * have run so long ago that the queue would take them again.)
 */
export async function drainShard({ outbox }: Shard, queue: TaskQueue): Promise<void> {
  const next = outbox.at(-1);
  if (next === undefined || (await queue.has(next))) return;
  await drain(outbox, queue);
}

/** The same for shards that stand still: without the chain's next task. */
export async function drainChildren(run: Run, shard: Shard, queue: TaskQueue): Promise<void> {
  const children = childrenOf(run, shard);
  const next = shard.outbox.at(-1);
  if (children.length === 0 || (next !== undefined && (await queue.has(next)))) return;
  await drain(children, queue);
}
