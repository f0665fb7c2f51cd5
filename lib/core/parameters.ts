import type { z } from 'zod';
import { PageturnerError } from './errors.ts';

/** Parameters as they travel and are stored: plain JSON, before the schema's defaults and transforms. */
export type Json = z.core.util.JSONType;

/** Every fault of a value in one line, each named by its path, or by `whole` where it has none. */
export function faultsOf(error: z.ZodError, whole = 'the body'): string {
  return error.issues
    .map((issue) => `${issue.path.length === 0 ? whole : issue.path.join('.')}: ${issue.message}`)
    .join('; ');
}

/**
 * Parses what arrived.
 *
 * @throws PageturnerError `invalid-parameters`, naming each fault by its path.
 */
export function parseParameters<S extends z.ZodType>(task: string, schema: S, params: unknown): z.output<S> {
  const misfit = `The parameters do not fit task "${task}": `;
  let parsed: z.ZodSafeParseResult<z.output<S>>;
  try {
    parsed = schema.safeParse(params);
  } catch (cause) {
    // Of a transform, say. Its message may hold the value, which is nobody's to log.
    const name = cause instanceof Error ? cause.name : 'something';
    throw new PageturnerError('invalid-parameters', `${misfit}its schema threw ${name}`, { cause });
  }
  if (parsed.success) return parsed.data;
  throw new PageturnerError('invalid-parameters', `${misfit}${faultsOf(parsed.error)}`);
}

/** Parameters stand in their run's document, and in the shard's outbox beside what else its page starts: each may have 1 MiB. */
const mostBytes = 512 * 1024;

/**
 * Turns parameters into what will travel, and makes sure that the schema accepts them at the other end: a `Date`, for instance,
 * arrives as a string, which `z.coerce.date()` takes and `z.date()` refuses.
 *
 * @throws PageturnerError `invalid-parameters`.
 */
export function toWire<S extends z.ZodType>(task: string, schema: S, params: z.input<S>): Json {
  let text: string | undefined;
  try {
    text = JSON.stringify(params);
  } catch (cause) {
    throw new PageturnerError(
      'invalid-parameters',
      `The parameters of task "${task}" are not JSON: ${String(cause)}`,
      {
        cause,
      },
    );
  }
  mustBeSmall(task, text ?? '');
  const wire: unknown = text === undefined ? undefined : JSON.parse(text);
  parseParameters(task, schema, wire);
  return (wire ?? null) as Json;
}

function mustBeSmall(task: string, text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes <= mostBytes) return;
  throw new PageturnerError(
    'invalid-parameters',
    `The parameters of task "${task}" have ${bytes} bytes as JSON, and may have ${mostBytes}. ` +
      'Put large data into a document, and pass its path.',
  );
}
