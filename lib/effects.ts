import type {
  DocumentData,
  DocumentReference,
  Firestore,
  SetOptions,
  UpdateData,
} from '@google-cloud/firestore';
import type { z } from 'zod';
import type { ChildOptions, HandlerContext, WritesContext } from './core/context.ts';
import type { AnyTask } from './core/definition.ts';
import { derivedRunId, derivedTaskId } from './core/names.ts';
import type { OutboxTask } from './core/outbox.ts';
import { toWire } from './core/parameters.ts';
import { startAt } from './core/schedule.ts';
import type { Write } from './core/write.ts';
import type { Deadline } from './deadline.ts';

/** Collects what a handler asks for, so that all of it can take effect in one commit, or none of it. */
export class Effects {
  readonly writes: Write[] = [];
  readonly children: OutboxTask[] = [];
  readonly #place: readonly (string | number)[];
  readonly #now: () => number;
  #isClosed = false;

  /** @param place what the ids of the children are derived from: the same for each delivery of the same work. */
  constructor(place: readonly (string | number)[], now: () => number) {
    this.#place = place;
    this.#now = now;
  }

  /** From here on nothing more is taken: a handler that goes on after it returned would lose what it asks for. */
  close(): void {
    this.#isClosed = true;
  }

  start<S extends z.ZodType>(task: AnyTask<S>, params: z.input<S>, options: ChildOptions = {}): void {
    this.#mustBeOpen('ctx.start');
    const wire = toWire(task.name, task.params, params);
    const { queue = task.queue } = options;
    const at = startAt(options, this.#now());
    const place = [...this.#place, 'child', this.children.length];
    const id = derivedTaskId(...place);
    const delivery: OutboxTask['delivery'] =
      task.kind === 'task'
        ? { kind: 'task', id, params: wire, repeat: 0 }
        : {
            kind: 'start',
            run: derivedRunId(...place),
            queue,
            params: wire,
            startedBy: this.#place.join('/'),
          };
    this.children.push({
      id,
      queue,
      worker: task.name,
      delivery,
      timeoutSeconds: task.timeoutSeconds,
      ...(at === undefined ? {} : { at }),
    });
  }

  readonly #write = (write: Write): void => {
    this.#mustBeOpen(`ctx.${write.kind}`);
    this.writes.push(write);
  };

  /** What handlers of pages and completions are given to ask with. */
  context(db: Firestore, deadline: Deadline): WritesContext & Omit<HandlerContext, 'idempotencyKey'> {
    const write = this.#write;
    return {
      ...this.startContext(db, deadline),
      set: (ref: DocumentReference, data: DocumentData, options?: SetOptions) =>
        write({ kind: 'set', ref, data, ...(options === undefined ? {} : { options }) }),
      update: (ref: DocumentReference, data: UpdateData<DocumentData>) =>
        write({ kind: 'update', ref, data }),
      create: (ref: DocumentReference, data: DocumentData) => write({ kind: 'create', ref, data }),
      delete: (ref: DocumentReference) => write({ kind: 'delete', ref }),
    } as WritesContext & Omit<HandlerContext, 'idempotencyKey'>;
  }

  /** The same without writes: a one-shot task has no commit to put them in. */
  startContext(db: Firestore, deadline: Deadline): Omit<HandlerContext, 'idempotencyKey'> {
    return {
      db,
      signal: deadline.signal,
      remaining: () => deadline.remaining(),
      start: (task, params, options) => this.start(task, params, options),
    };
  }

  #mustBeOpen(method: string): void {
    if (!this.#isClosed) return;
    throw new Error(
      `${method} was called after the handler had returned; await everything that the handler does.`,
    );
  }
}
