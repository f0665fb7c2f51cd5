import { z } from 'zod';
import { invalidArgument } from '../core/faults.ts';
import type { TargetInput } from '../core/input.ts';
import { shortId } from '../core/names.ts';
import { problemsOf } from './problems.ts';

/** What a rule is about: all that is given must fit; nothing given fits everything. */
export interface FaultMatch {
  /** A queue's id, or its full resource name. */
  readonly queue?: string | undefined;
  /** A task's id, or its full resource name. */
  readonly taskName?: string | undefined;
  /** A part of the target's URL; of an App Engine target, of its relative URI. */
  readonly url?: string | undefined;
  /** The number of the attempt, from 1. */
  readonly attempt?: number | undefined;
}

/** What goes wrong with a delivery. Durations are in milliseconds of the emulator's clock. */
export type DeliveryFault =
  /** The target gets it twice: the copy goes `afterMs` (default 0) after the first. The first one's end counts. */
  | { readonly kind: 'duplicateDelivery'; readonly afterMs?: number | undefined }
  /** The target gets it and answers, but the attempt ends as a broken connection. */
  | { readonly kind: 'lostResponse' }
  /** It arrives so much later. Past its deadline, the attempt ends at the deadline and the delivery arrives all the same. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** It is overtaken by the next delivery of its queue; without one it goes after `withinMs` (default 1,000). */
  | { readonly kind: 'reorder'; readonly withinMs?: number | undefined }
  /** The target gets nothing: the connection is refused. */
  | { readonly kind: 'refuse' }
  /** The target gets nothing, and the attempt ends as if it had answered so. */
  | { readonly kind: 'respond'; readonly httpStatus: number; readonly retryAfterMs?: number | undefined };

/** CreateTask answers UNAVAILABLE: `before` (default) with nothing created, `after` with the task created all the same. */
export interface CreationFault {
  readonly kind: 'unavailable';
  readonly when?: 'before' | 'after' | undefined;
}

export type Fault = DeliveryFault | CreationFault;

/**
 * When something goes wrong: at the `nth` chance only (from 1), or at each with `probability` (default 1), until it has happened
 * `times` times (default: no end). A chance is a delivery, or for `unavailable` a creation, that the rule matches and that no rule
 * before it took.
 */
export interface FaultRule {
  readonly match?: FaultMatch | undefined;
  readonly probability?: number | undefined;
  readonly nth?: number | undefined;
  readonly times?: number | undefined;
  readonly fault: Fault;
}

const ruleSchema: z.ZodType<FaultRule> = ruleSchemaOf();

function ruleSchemaOf(): z.ZodType<FaultRule> {
  const name = z.string().min(1).max(1000).optional();
  const count = z.int().min(1).max(1_000_000_000).optional();
  // At most the 31 days that a task can live.
  const durationMs = z.number().min(0).max(2_678_400_000);
  const fault = z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('duplicateDelivery'), afterMs: durationMs.optional() }),
    z.strictObject({ kind: z.literal('lostResponse') }),
    z.strictObject({ kind: z.literal('delay'), ms: durationMs }),
    z.strictObject({ kind: z.literal('reorder'), withinMs: durationMs.optional() }),
    z.strictObject({ kind: z.literal('refuse') }),
    z.strictObject({
      kind: z.literal('respond'),
      httpStatus: z.int().min(200).max(599),
      retryAfterMs: durationMs.optional(),
    }),
    z.strictObject({ kind: z.literal('unavailable'), when: z.enum(['before', 'after']).optional() }),
  ]);
  const match = z.strictObject({ queue: name, taskName: name, url: name, attempt: count }).optional();
  return z
    .strictObject({
      match,
      probability: z.number().min(0).max(1).optional(),
      nth: count,
      times: count,
      fault,
    })
    .refine((rule) => rule.nth === undefined || (rule.probability ?? rule.times) === undefined, {
      path: ['nth'],
      error: 'stands alone: leave out "probability" and "times", or "nth"',
    })
    .refine((rule) => rule.fault.kind !== 'unavailable' || rule.match?.attempt === undefined, {
      path: ['match', 'attempt'],
      error: 'is about deliveries, and "unavailable" is about the creation of tasks: leave it out',
    });
}

/** @throws ApiError INVALID_ARGUMENT that names each faulty field. */
export function parseFaultRule(value: unknown): FaultRule {
  const parsed = ruleSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidArgument(`The fault rule cannot be used. ${problemsOf(parsed.error, 'rule')}.`);
}

/** One thing that a fault may strike. */
export interface Chance {
  readonly queueName: string;
  /** Absent for the creation of a task that the service is to name. */
  readonly taskName?: string | undefined;
  readonly url: string;
  readonly attempt?: number;
}

export function matches(match: FaultMatch, chance: Chance): boolean {
  return (
    isNamed(match.queue, chance.queueName) &&
    isNamed(match.taskName, chance.taskName) &&
    (match.url === undefined || chance.url.includes(match.url)) &&
    (match.attempt === undefined || match.attempt === chance.attempt)
  );
}

/** Whether `fullName` is meant by `wanted`: itself, its last part, or nothing in particular. */
export function isNamed(wanted: string | undefined, fullName: string | undefined): boolean {
  if (wanted === undefined) return true;
  return fullName !== undefined && (fullName === wanted || shortId(fullName) === wanted);
}

/** The part of a target that a rule's `url` is compared with. */
export function urlOf(target: TargetInput | undefined): string {
  switch (target?.kind) {
    case 'http':
      return target.url ?? '';
    case 'appEngine':
      return target.relativeUri ?? '';
    // A pull task is delivered nowhere.
    case 'pull':
    case undefined:
      return '';
  }
}
