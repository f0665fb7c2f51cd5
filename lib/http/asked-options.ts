import type { Request } from '@google-cloud/functions-framework';
import { z } from 'zod';
import { PageturnerError } from '../core/errors.ts';
import { faultsOf } from '../core/parameters.ts';
import type { StartOptions } from '../start-task.ts';

/** What a starter's owner can let its callers set, each in the query of the URL: `?delay=60&shards=8`. */
export const settable = ['delay', 'at', 'key', 'shards', 'repeat', 'documentsPerSecond'] as const;
export type Settable = (typeof settable)[number];

/** A slip (`?dryrun=true`) must not start a real run. */
const known: readonly string[] = [...settable, 'dryRun'];

const number = z
  .string()
  .regex(/^\d+(\.\d+)?$/, 'must be a number from 0 on, such as 60')
  .transform(Number);
const schema = z.object({
  delay: number.optional(),
  at: z.iso
    .datetime({ offset: true, error: 'must be an instant, such as 2026-12-01T06:00:00Z' })
    .transform((text) => new Date(text))
    .optional(),
  key: z.string().optional(),
  shards: number.optional(),
  repeat: number.transform((after) => ({ after })).optional(),
  documentsPerSecond: z.union([z.literal('none').transform(() => null), number]).optional(),
});

/**
 * The start options that a request's URL asks for.
 *
 * @throws PageturnerError `invalid-request` when the URL has something else, the caller may not set one, or it does not read.
 */
export function askedOptions(request: Request, allowed: readonly Settable[]): StartOptions {
  const unknown = Object.keys(request.query).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new PageturnerError(
      'invalid-request',
      `The URL has ${JSON.stringify(unknown)}, and may have ${known.join(', ')}; parameters of the task go into the body.`,
    );
  }
  const asked = settable.filter((name) => request.query[name] !== undefined);
  const refused = asked.filter((name) => !allowed.includes(name));
  if (refused.length > 0) {
    throw new PageturnerError(
      'invalid-request',
      `Callers of this starter may not set ${refused.join(' or ')}: leave it out, or have its owner name it in callersMaySet.`,
    );
  }
  const parsed = schema.safeParse(Object.fromEntries(asked.map((name) => [name, request.query[name]])));
  if (!parsed.success) {
    throw new PageturnerError('invalid-request', `The URL does not fit: ${faultsOf(parsed.error)}.`);
  }
  return Object.fromEntries(
    Object.entries(parsed.data).filter(([, value]) => value !== undefined),
  ) as StartOptions;
}
