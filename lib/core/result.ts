import type { z } from 'zod';
import { FatalTaskError, PageturnerError } from './errors.ts';
import { faultsOf } from './parameters.ts';
import type { Shard } from './run.ts';

/** What a task says about the state that its shards carry from page to page. */
export interface StateDefinition<T> {
  /** What the state is; parsed whenever it is read. What it gives must survive JSON: a `Date`, say, with `z.coerce.date()`. */
  readonly schema: z.ZodType<T>;
  /** What each shard begins with. It should change nothing when it is reduced with another: 0 for a sum. */
  readonly initial: NoInfer<T>;
  /** Makes one of the states of two shards, for `onComplete`. Called in the order of the shards. */
  reduce(a: NoInfer<T>, b: NoInfer<T>): NoInfer<T>;
}

/** A state stands in its shard's document, beside the outbox: together they may have 1 MiB. */
const mostBytes = 256 * 1024;

/**
 * A state as it is kept: JSON text that the schema takes back.
 *
 * @throws PageturnerError `invalid-state` when it does not survive; FatalTaskError when it is too large, since smaller pages would not
 *   make it smaller.
 */
export function stateToText<T>(task: string, { schema }: StateDefinition<T>, state: T): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(state);
  } catch (cause) {
    throw new PageturnerError('invalid-state', `ctx.state of task "${task}" is not JSON: ${String(cause)}`, {
      cause,
    });
  }
  const parsed = schema.safeParse(text === undefined ? undefined : JSON.parse(text));
  if (text === undefined || !parsed.success) {
    const faults = parsed.success ? 'it is undefined' : faultsOf(parsed.error, 'the state');
    throw new PageturnerError(
      'invalid-state',
      `ctx.state of task "${task}" does not fit its schema after JSON: ${faults}`,
    );
  }
  const bytes = Buffer.byteLength(text);
  if (bytes <= mostBytes) return text;
  throw new FatalTaskError(
    `ctx.state of task "${task}" has ${bytes} bytes as JSON, and may have ${mostBytes}. ` +
      'Keep counts and samples in it, and write what grows with the documents to documents of its own.',
  );
}

/**
 * The state that a text holds.
 *
 * @throws PageturnerError `invalid-state` when the schema has changed since, and does not take it any more.
 */
export function stateFromText<T>(task: string, { schema }: StateDefinition<T>, text: string): T {
  const parsed = schema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new PageturnerError(
    'invalid-state',
    `The state that a shard of task "${task}" has kept does not fit the schema as it is now: ` +
      `${faultsOf(parsed.error, 'the state')}. Have the schema take the old form too, and retry the run.`,
  );
}

/** The states of the shards made into one, as text; `initial` where no shard has any. Undefined for a task without state. */
export function reducedState(
  task: { readonly name: string; readonly state?: StateDefinition<unknown> },
  shards: readonly Shard[],
): string | undefined {
  const { name, state: definition } = task;
  if (definition === undefined) return undefined;
  const states = shards.flatMap(({ result }) =>
    result === undefined ? [] : [stateFromText(name, definition, result)],
  );
  const [first = definition.initial, ...others] = states;
  return stateToText(
    name,
    definition,
    others.reduce((a, b) => definition.reduce(a, b), first),
  );
}
