import type { OutboxTask } from '../../lib/core/outbox.ts';
import type { Log, Severity, TaskLookup, TaskQueue } from '../../lib/ports.ts';

/** Remembers what is enqueued, and takes each id once, as the service does. */
export class RecordingQueue implements TaskQueue, TaskLookup {
  readonly tasks: OutboxTask[] = [];

  async enqueue(task: OutboxTask): Promise<'created' | 'exists'> {
    if (this.tasks.some(({ id, queue }) => id === task.id && queue === task.queue)) return 'exists';
    this.tasks.push(structuredClone(task));
    return 'created';
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
