import type { Delivery } from './delivery.ts';

/**
 * A task that must be enqueued. It is stored in the same commit as the effects that it belongs to, and enqueued after it; whoever
 * finds it stored enqueues it again, and its derived id keeps the queue from taking it twice.
 */
export interface OutboxTask {
  /** The id within its queue. */
  readonly id: string;
  readonly queue: string;
  /** The name of the function that takes it. */
  readonly worker: string;
  readonly delivery: Delivery;
  /** Not before this instant, in milliseconds since 1970. */
  readonly at?: number;
  /** Seconds that one attempt may take. */
  readonly timeoutSeconds: number;
}

/**
 * The outbox of a shard without its children, which leaves the task by which its chain goes on. For whoever is delivered that task, which is
 * enqueued last, or has enqueued the children: they must not be enqueued again when the queue has forgotten their names.
 */
export function nextAlone({ outbox }: { readonly outbox: readonly OutboxTask[] }): readonly OutboxTask[] {
  return outbox.slice(-1);
}
