import type { Task } from '../core/model.ts';
import { queueOfTask } from '../core/names.ts';
import type { EngineEvent, TaskDeletedReason } from '../engine/events.ts';
import { BoundedLog } from './bounded-log.ts';

/** What became of a task, and where it came from. Instants are the emulator's, in ms since 1970. */
export interface TaskRecord {
  readonly taskName: string;
  readonly queueName: string;
  readonly createdAt: number;
  /** The trace that the task's own `traceparent` header names: 32 hexadecimal digits. */
  readonly traceId?: string;
  /** The attempt that was out when it was created, where that was the only one. */
  readonly createdDuring?: { readonly taskName: string; readonly attempt: number };
  /** Absent while it is in its queue, as is the next one. */
  readonly leftAt?: number;
  readonly left?: TaskDeletedReason;
}

type OpenRecord = { -readonly [Key in keyof TaskRecord]: TaskRecord[Key] };

const MAX_TASKS = 10_000;
/** Names alone, of which the longest has some 700 characters. */
const MAX_BYTES = 16 * 1024 * 1024;

const TRACEPARENT = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/;

/** The newest 10,000 tasks, those that are gone among them. */
export class TaskHistory {
  readonly #byName = new Map<string, OpenRecord>();
  readonly #records = new BoundedLog<OpenRecord>({
    maxEntries: MAX_TASKS,
    maxBytes: MAX_BYTES,
    onDropped: (record) => {
      if (this.#byName.get(record.taskName) === record) this.#byName.delete(record.taskName);
    },
  });
  /** The attempts that are out, each as often as the engine told of its start. */
  readonly #out = new Set<string>();

  readonly listener = (event: EngineEvent): void => {
    switch (event.kind) {
      case 'taskCreated':
        this.#add(event.task, event.at, this.#onlyOneOut());
        return;
      case 'attemptStarted':
        this.#out.add(`${event.task.dispatchCount} ${event.task.name}`);
        // One of a data file, from before this process.
        if (!this.#byName.has(event.task.name)) this.#add(event.task, event.task.createAt);
        return;
      case 'attemptEnded':
        this.#out.delete(`${event.attempt} ${event.task.name}`);
        return;
      case 'taskDeleted':
        this.#leave(event.taskName, event.at, event.reason);
        return;
      case 'restored':
        this.clear();
        return;
      case 'queueCreated':
      case 'queueUpdated':
      case 'queuePaused':
      case 'queueResumed':
      case 'queuePurged':
      case 'queueDeleted':
      case 'queueSlowed':
      case 'storeFailed':
      case 'storeRecovered':
    }
  };

  /** In the order of their creation. */
  list(): readonly TaskRecord[] {
    return [...this.#records.values()];
  }

  /** The newest of that full name. */
  find(taskName: string): TaskRecord | undefined {
    return this.#byName.get(taskName);
  }

  clear(): void {
    this.#byName.clear();
    this.#records.clear();
    this.#out.clear();
  }

  #add({ name, target }: Task, createdAt: number, createdDuring?: TaskRecord['createdDuring']): void {
    const traceId = target.kind === 'pull' ? undefined : traceIdOf(target.headers);
    const record = {
      taskName: name,
      queueName: queueOfTask(name),
      createdAt,
      ...(traceId !== undefined && { traceId }),
      ...(createdDuring !== undefined && { createdDuring }),
    };
    this.#byName.set(name, record);
    this.#records.add(record, name.length * 2);
  }

  #leave(taskName: string, at: number, reason: TaskDeletedReason): void {
    const record = this.#byName.get(taskName);
    if (record === undefined) return;
    record.leftAt = at;
    record.left = reason;
  }

  /** Of several that are out, any may have created a task: then nothing is said. */
  #onlyOneOut(): TaskRecord['createdDuring'] {
    if (this.#out.size !== 1) return undefined;
    const [key = ''] = this.#out;
    const end = key.indexOf(' ');
    return { attempt: Number(key.slice(0, end)), taskName: key.slice(end + 1) };
  }
}

function traceIdOf(headers: Readonly<Record<string, string>>): string | undefined {
  for (const [name, value] of Object.entries(headers))
    if (name.toLowerCase() === 'traceparent') return TRACEPARENT.exec(value)?.[1];
  return undefined;
}
