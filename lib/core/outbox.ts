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
