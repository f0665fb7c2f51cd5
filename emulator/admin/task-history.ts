import type { Task } from '../core/model.ts';
import { queueOfTask } from '../core/names.ts';
import type { EngineEvent, TaskDeletedReason } from '../engine/events.ts';
import { traceIdOf, traceparentIn } from '../core/trace-context.ts';
import { BoundedLog } from './bounded-log.ts';
import type { CallerTrace } from './caller-trace.ts';

/** What became of a task, and where it came from. Instants are the emulator's, in ms since 1970. */
export interface TaskRecord {
  readonly taskName: string;
  readonly queueName: string;
  readonly createdAt: number;
  /** The trace that the task's own `traceparent` header names: 32 hexadecimal digits. */
  readonly traceId?: string;
  /**
   * The attempt during which it was created: the one whose trace the request that created it names, else the only one that was out.
   */
  readonly createdDuring?: { readonly taskName: string; readonly attempt: number };
  /** Absent while it is in its queue, as is the next one. */
  readonly leftAt?: number;
  readonly left?: TaskDeletedReason;
}

type OpenRecord = { -readonly [Key in keyof TaskRecord]: TaskRecord[Key] };

const MAX_TASKS = 10_000;
/** Names alone, of which the longest has some 700 characters. */
const MAX_BYTES = 16 * 1024 * 1024;

export interface TaskHistoryOptions {
  /** The trace of the request that is being answered. */
  readonly callerTrace: Pick<CallerTrace, 'traceId'>;
  /** The `traceparent` that an attempt of a task without one is sent with, if it is. */
  readonly traceparentOf?: ((task: Task, attempt: number) => string) | undefined;
}

type Creator = NonNullable<TaskRecord['createdDuring']>;

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
  /** The attempts that are out, by number and name, with their traces. */
  readonly #out = new Map<string, Creator & { readonly traceId: string | undefined }>();
  readonly #options: TaskHistoryOptions;

  constructor(options: TaskHistoryOptions) {
    this.#options = options;
  }

  readonly listener = (event: EngineEvent): void => {
    switch (event.kind) {
      case 'taskCreated':
        this.#add(event.task, event.at, this.#creator());
        return;
      case 'attemptStarted':
        this.#start(event.task);
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

  #start(task: Task): void {
    const { name, dispatchCount: attempt, target } = task;
    const own = target.kind === 'pull' ? undefined : traceparentIn(target.headers);
    const traceId = traceIdOf(own ?? this.#options.traceparentOf?.(task, attempt));
    this.#out.set(`${attempt} ${name}`, { taskName: name, attempt, traceId });
  }

  #add({ name, target }: Task, createdAt: number, createdDuring?: TaskRecord['createdDuring']): void {
    const traceId = target.kind === 'pull' ? undefined : traceIdOf(traceparentIn(target.headers));
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

  /** Of several that are out, any may have created a task: then, without a trace, nothing is said. */
  #creator(): Creator | undefined {
    const { traceId } = this.#options.callerTrace;
    const [only] = this.#out.size === 1 ? this.#out.values() : this.#outIn(traceId);
    return only && { taskName: only.taskName, attempt: only.attempt };
  }

  /** The attempt of that trace, if there is one and no other. */
  #outIn(traceId: string | undefined): readonly Creator[] {
    if (traceId === undefined) return [];
    const found = [...this.#out.values()].filter((each) => each.traceId === traceId);
    return found.length === 1 ? found : [];
  }
}
