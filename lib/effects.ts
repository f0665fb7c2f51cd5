import type {
  DocumentData,
  DocumentReference,
  Firestore,
  SetOptions,
  UpdateData,
} from '@google-cloud/firestore';
import type { z } from 'zod';
import { faultOfChild } from './core/child-options.ts';
import type { ChildOptions, HandlerContext, WritesContext } from './core/context.ts';
import type { AnyTask } from './core/definition.ts';
import { PageturnerError } from './core/errors.ts';
import { derivedRunId, derivedTaskId, isRecordOf } from './core/names.ts';
import type { OutboxTask } from './core/outbox.ts';
import { toWire } from './core/parameters.ts';
import { startAt } from './core/schedule.ts';
import type { Write } from './core/write.ts';
import type { Deadline } from './deadline.ts';
import type { SetAside } from './set-aside.ts';

interface Mark {
  readonly writes: number;
  readonly children: number;
  readonly setAside: number;
}

type Asks = Omit<HandlerContext, 'idempotencyKey'>;

/** Collects what a handler asks for, so that all of it can take effect in one commit, or none of it. */
export class Effects {
  readonly writes: Write[] = [];
  readonly children: OutboxTask[] = [];
  /** The documents that are set aside. */
  readonly setAside: SetAside[] = [];
  readonly #place: readonly (string | number)[];
  readonly #now: () => number;
  readonly #waiting: string | undefined;
  /** Raised when contexts that were given out are to ask for nothing more. */
  #scope = 0;

  /**
   * @param place what the ids of the children are derived from: the same for each delivery of the same work.
   * @param waiting the run that waits for the children to end
   */
  constructor(place: readonly (string | number)[], now: () => number, waiting?: string) {
    this.#waiting = waiting;
    this.#place = place;
    this.#now = now;
  }

  /** From here on nothing more is taken: a handler that goes on after it returned would lose what it asks for. */
  close(): void {
    this.#scope += 1;
  }

  /** What was asked for so far, to go back to. Contexts given out before are closed. */
  mark(): Mark {
    this.close();
    return { writes: this.writes.length, children: this.children.length, setAside: this.setAside.length };
  }

  /** Forgets what was asked for since. Contexts given out before are closed. */
  goBackTo(mark: Mark): void {
    this.close();
    this.writes.length = mark.writes;
    this.children.length = mark.children;
    this.setAside.length = mark.setAside;
  }

  /** Sets a document aside; a second time changes nothing. */
  quarantine(entry: SetAside): void {
    if (this.setAside.some(({ path }) => path === entry.path)) return;
    this.setAside.push(entry);
  }

  #start<S extends z.ZodType>(task: AnyTask<S>, params: z.input<S>, options: ChildOptions = {}): void {
    const fault = faultOfChild(task, options);
    if (fault !== undefined) throw new PageturnerError('invalid-parameters', `ctx.start: ${fault}.`);
    const wire = toWire(task.name, task.params, params);
    const { queue = task.queue } = options;
    const at = startAt(options, this.#now());
    const place = [...this.#place, 'child', this.children.length];
    const id = derivedTaskId(...place);
    const parent = this.#waiting === undefined ? {} : { parent: { run: this.#waiting, child: id } };
    const delivery: OutboxTask['delivery'] =
      task.kind === 'task'
        ? { kind: 'task', id, params: wire, repeat: 0, ...parent }
        : {
            kind: 'start',
            run: derivedRunId(...place),
            queue,
            params: wire,
            startedBy: this.#place.join('/'),
            ...parent,
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

  /** What handlers of pages and completions are given to ask with. */
  context(db: Firestore, deadline: Deadline): WritesContext & Asks {
    const mustBeOpen = this.guard();
    const write = (asked: Write): void => {
      mustBeOpen(`ctx.${asked.kind}`);
      mustBeWritable(asked, String(this.#place[0]));
      this.writes.push(asked);
    };
    return {
      ...this.startContext(db, deadline),
      set: (ref: DocumentReference, data: DocumentData, options?: SetOptions) =>
        write({ kind: 'set', ref, data, ...(options === undefined ? {} : { options }) }),
      update: (ref: DocumentReference, data: UpdateData<DocumentData>) =>
        write({ kind: 'update', ref, data }),
      create: (ref: DocumentReference, data: DocumentData) => write({ kind: 'create', ref, data }),
      delete: (ref: DocumentReference) => write({ kind: 'delete', ref }),
    } as WritesContext & Asks;
  }

  /** The same without writes: a one-shot task has no commit to put them in. */
  startContext(db: Firestore, deadline: Deadline): Asks {
    const mustBeOpen = this.guard();
    return {
      db,
      signal: deadline.signal,
      remaining: () => deadline.remaining(),
      start: (task, params, options) => {
        mustBeOpen('ctx.start');
        this.#start(task, params, options);
      },
    };
  }

  /** For what is given to a handler: throws when it is used after the handler had returned. */
  guard(): (method: string) => void {
    const scope = this.#scope;
    return (method) => {
      if (scope === this.#scope) return;
      throw new Error(
        `${method} was called after the handler had returned; await everything that the handler does.`,
      );
    };
  }
}

/** Another write to a record of the run in the run's own commit would undo what that commit says of its progress. */
function mustBeWritable({ kind, ref }: Write, runId: string): void {
  const path: unknown = (ref as DocumentReference | undefined)?.path;
  if (typeof path !== 'string')
    throw new Error(`ctx.${kind} wants a document reference first, such as ctx.db.doc('reports/latest').`);
  if (!isRecordOf(runId, path)) return;
  throw new Error(
    `ctx.${kind} was called for ${path}, which Pageturner keeps of this very run. Write to a document of your own, or use pauseRun, cancelRun and the like.`,
  );
}
