import type { OutboxTask } from './core/outbox.ts';
import type { TaskQueue } from './ports.ts';

/** Enough to hide the round trips, few enough for one connection. */
const concurrency = 50;

/**
 * Enqueues what a commit stored: the children, and when all of them are in their queues, the chain's own next task, which stands
 * last. A crash anywhere in between leaves a chain that has not moved on, so its task is delivered again and drains again.
 */
export async function drain(outbox: readonly OutboxTask[], queue: TaskQueue): Promise<void> {
  const children = outbox.slice(0, -1);
  for (let start = 0; start < children.length; start += concurrency) {
    await Promise.all(children.slice(start, start + concurrency).map((child) => queue.enqueue(child)));
  }
  const next = outbox.at(-1);
  if (next !== undefined) await queue.enqueue(next);
}
