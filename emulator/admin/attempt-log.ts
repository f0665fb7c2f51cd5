import type { DispatchRequest, DispatchResult } from '../core/dispatch.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Task } from '../core/model.ts';
import { queueOfTask } from '../core/names.ts';
import type { AttemptOutcome, EngineEvent } from '../engine/events.ts';
import { BoundedLog } from './bounded-log.ts';
import { matches, urlOf } from './fault-rule.ts';
import type { Chance, FaultMatch } from './fault-rule.ts';

/** One request to a target with what came of it. */
export interface Delivery extends Exchange {
  /** Full resource names. */
  readonly queueName: string;
  readonly taskName: string;
  /** The attempt that it belongs to, from 1. A faulty network may bring one attempt to its target twice, or never. */
  readonly attempt: number;
}

/** One attempt of a task, also of one that is gone. Instants are the emulator's, in ms since 1970. */
export interface AttemptRecord {
  readonly queueName: string;
  readonly taskName: string;
  /** From 1. */
  readonly attempt: number;
  readonly url: string;
  readonly startedAt: number;
  /** Absent while it is out, as are the next two. */
  readonly endedAt?: number;
  readonly result?: DispatchResult;
  readonly outcome?: AttemptOutcome;
  /** What went over the wire and has ended, in that order. */
  readonly deliveries: readonly Delivery[];
}

/** Which attempts are asked for: those that all that is given fits. */
export type AttemptFilter = FaultMatch;

interface OpenRecord extends AttemptRecord {
  endedAt?: number;
  result?: DispatchResult;
  outcome?: AttemptOutcome;
  readonly deliveries: Delivery[];
}

const MAX_ATTEMPTS = 10_000;
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * What was attempted, and what went over the wire: the newest 10,000 attempts, as far as their bodies fit into 64 MiB. Of a response's
 * body it has what the dispatcher keeps.
 */
export class AttemptLog {
  /** The newest attempt under each task's name and number: both begin anew when a name is used again. */
  readonly #byKey = new Map<string, OpenRecord>();
  readonly #attempts = new BoundedLog<OpenRecord>({
    maxEntries: MAX_ATTEMPTS,
    maxBytes: MAX_BYTES,
    onDropped: (record) => {
      const key = keyOf(record.taskName, record.attempt);
      if (this.#byKey.get(key) === record) this.#byKey.delete(key);
    },
  });
  /** In the order in which they ended. */
  readonly #deliveries = new BoundedLog<Delivery>({ maxEntries: MAX_ATTEMPTS, maxBytes: MAX_BYTES });

  readonly listener = (event: EngineEvent): void => {
    if (event.kind === 'attemptStarted') this.#start(event.task, event.at);
    if (event.kind !== 'attemptEnded') return;
    const record = this.#byKey.get(keyOf(event.task.name, event.attempt));
    if (record === undefined) return;
    record.endedAt = event.at;
    record.result = event.result;
    record.outcome = event.outcome;
  };

  /** An exchange has ended. One of an attempt that is not known, because it is too old or of before a reset, is passed over. */
  readonly exchanged = ({ task }: DispatchRequest, exchange: Exchange): void => {
    const attempt = task.dispatchCount + 1;
    const record = this.#byKey.get(keyOf(task.name, attempt));
    if (record === undefined) return;
    const delivery = { queueName: record.queueName, taskName: task.name, attempt, ...exchange };
    const bytes = exchange.body.length + (exchange.response?.body.length ?? 0);
    record.deliveries.push(delivery);
    this.#deliveries.add(delivery, bytes);
    this.#attempts.add(record, bytes);
  };

  /** In the order in which they began. */
  attempts(filter: AttemptFilter = {}): readonly AttemptRecord[] {
    return [...this.#attempts.values()]
      .filter((record) => matches(filter, chanceOf(record)))
      .map((record) => ({ ...record, deliveries: [...record.deliveries] }));
  }

  /** In the order in which they ended. */
  deliveries(filter: AttemptFilter = {}): readonly Delivery[] {
    return [...this.#deliveries.values()].filter((delivery) => matches(filter, chanceOf(delivery)));
  }

  /** One attempt, as far as it is kept; the newest of that task's name and number. */
  attempt(taskName: string, attempt: number): AttemptRecord | undefined {
    return this.#byKey.get(keyOf(taskName, attempt));
  }

  /** The last delivery of a task's attempt. */
  lastDelivery(taskName: string, attempt: number): Delivery | undefined {
    return this.#byKey.get(keyOf(taskName, attempt))?.deliveries.at(-1);
  }

  clear(): void {
    this.#byKey.clear();
    this.#attempts.clear();
    this.#deliveries.clear();
  }

  #start({ name, target, dispatchCount }: Task, at: number): void {
    const record = {
      queueName: queueOfTask(name),
      taskName: name,
      attempt: dispatchCount,
      url: urlOf(target),
      startedAt: at,
      deliveries: [],
    };
    this.#byKey.set(keyOf(name, dispatchCount), record);
    this.#attempts.add(record, 0);
  }
}

function keyOf(taskName: string, attempt: number): string {
  return `${taskName} ${attempt}`;
}

function chanceOf({ queueName, taskName, url, attempt }: AttemptRecord | Delivery): Chance {
  return { queueName, taskName, url, attempt };
}
