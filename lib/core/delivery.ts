import { z } from 'zod';
import type { Parent } from './child.ts';
import { PageturnerError } from './errors.ts';
import { faultsOf, type Json } from './parameters.ts';

/** Run a one-shot task. */
export interface TaskDelivery {
  readonly kind: 'task';
  readonly id: string;
  readonly params: Json;
  /** How many times it has repeated itself. */
  readonly repeat: number;
  /** Who waits for its end. */
  readonly parent?: Parent | undefined;
}

/** Begin a run that another task started. (A start from outside writes the run before it enqueues anything.) */
export interface StartDelivery {
  readonly kind: 'start';
  readonly run: string;
  readonly queue: string;
  readonly params: Json;
  readonly startedBy: string;
  /** Who waits for its end. */
  readonly parent?: Parent | undefined;
}

/** Process one page of a shard. What it says of the page is for people who look into the queue, and a guess: the shard itself decides. */
export interface TurnDelivery {
  readonly kind: 'turn';
  readonly run: string;
  readonly shard: number;
  readonly turn: number;
  readonly epoch: number;
  /** Where the page starts, as people read it. */
  readonly cursor: Json;
  /** There if `cursor` is all that there is to know of where the page starts: then it can be asked for before the shard is read. */
  readonly expected?: {
    /** Documents to ask for; absent for the definition's own size. */
    readonly pageSize?: number;
  };
  /** Attempts at the turn by tasks that its queue has given up; absent for none. */
  readonly attemptsBefore?: number;
}

/** What a run itself does next, beside its shards. The epoch is the run's. */
export interface RunDelivery {
  /**
   * - `prepare`: draw the shards and begin.
   * - `settle`: the workers of a run that is to stand still have had their time; park what has not parked.
   * - `complete`: call `onComplete`.
   */
  readonly kind: 'prepare' | 'settle' | 'complete';
  readonly run: string;
  readonly epoch: number;
}

/** Make the next callback that a run owes. The epoch is the callback's own. */
export interface CallbackDelivery {
  readonly kind: 'callback';
  readonly run: string;
  readonly number: number;
  readonly epoch: number;
}

/** A shard is done: if it was the last one, the run is walked. */
export interface FinishDelivery {
  readonly kind: 'finish';
  readonly run: string;
  readonly shard: number;
  /** The shard's. */
  readonly epoch: number;
}

/** What travels in the body of a Cloud Tasks task: the whole conversation between starters, workers and the queue. */
export type Delivery =
  TaskDelivery | StartDelivery | TurnDelivery | FinishDelivery | RunDelivery | CallbackDelivery;

/**
 * @param body the parsed JSON body of the request
 * @throws PageturnerError `invalid-request`, naming each fault by its path.
 */
export function parseDelivery(body: unknown): Delivery {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new PageturnerError(
    'invalid-request',
    `This worker takes what Pageturner enqueues, and this body is something else: ${faultsOf(parsed.error)}. ` +
      'Start tasks with startTask() or through a starter.',
  );
}

const id = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,500}$/, 'must have 1 to 500 letters, digits, hyphens and underscores');
const count = z.int().min(0);
const parent = z.strictObject({ run: id, child: id }).optional();
const schema: z.ZodType<Delivery> = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('task'), id, params: z.json(), repeat: count, parent }),
  z.strictObject({
    kind: z.literal('start'),
    run: id,
    queue: id,
    params: z.json(),
    startedBy: z.string(),
    parent,
  }),
  z.strictObject({
    kind: z.literal('turn'),
    run: id,
    shard: count,
    turn: count,
    epoch: count,
    cursor: z.json(),
    expected: z.strictObject({ pageSize: z.int().min(1).exactOptional() }).exactOptional(),
    attemptsBefore: count.exactOptional(),
  }),
  z.strictObject({ kind: z.literal('finish'), run: id, shard: count, epoch: count }),
  z.strictObject({ kind: z.literal('callback'), run: id, number: count, epoch: count }),
  z.strictObject({ kind: z.enum(['prepare', 'settle', 'complete']), run: id, epoch: count }),
]);
