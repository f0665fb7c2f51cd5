import type { RetryLimits } from '../../lib/core/last-attempt.ts';
import type { OutboxTask } from '../../lib/core/outbox.ts';
import type { Log, RetryLookup, Severity, TaskQueue } from '../../lib/ports.ts';

/** Remembers what is enqueued, and takes each id once, as the service does. */
export class RecordingQueue implements TaskQueue, RetryLookup {
  readonly tasks: OutboxTask[] = [];
  /** What the queue says of its retries. */
  limits: RetryLimits = {};

  async enqueue(task: OutboxTask): Promise<'created' | 'exists'> {
    if (this.tasks.some(({ id, queue }) => id === task.id && queue === task.queue)) return 'exists';
    this.tasks.push(structuredClone(task));
    return 'created';
  }

  async retryLimits(): Promise<RetryLimits> {
    return this.limits;
  }

  async firstAttemptAt(): Promise<number> {
    return 0;
  }

  async has(task: OutboxTask): Promise<boolean> {
    return this.tasks.some(({ id, queue }) => id === task.id && queue === task.queue);
  }
}

/** Remembers what is logged. */
export class RecordingLog implements Log {
  readonly entries: { severity: Severity; message: string; fields: Readonly<Record<string, unknown>> }[] = [];

  write(severity: Severity, message: string, fields: Readonly<Record<string, unknown>>): void {
    this.entries.push({ severity, message, fields });
  }
}
