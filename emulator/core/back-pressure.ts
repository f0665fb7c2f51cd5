import type { DispatchResult } from './dispatch.ts';
import type { RateLimits, Target } from './model.ts';

/**
 * How far a queue holds back because its targets asked it to, or fail too often. The service says that it does ("the effective rate may
 * be cut", while the stored settings stay as they are) and not how far; this law is the emulator's own. Each answer of 429 or 503, and
 * each failure while the rate of errors is high, halves the rate, at most once a second and six times in all; ten seconds without one
 * double it again, until it is whole.
 */
export interface BackPressure {
  /** How many times the rate is halved. */
  readonly halvings: number;
  /** When one halving falls away if no target pushes back before. */
  readonly easesAt: number;
  /** From when on another answer halves the rate again. */
  readonly halvesFrom: number;
}

export const NO_PRESSURE: BackPressure = {
  halvings: 0,
  easesAt: Number.POSITIVE_INFINITY,
  halvesFrom: Number.NEGATIVE_INFINITY,
};

const MAX_HALVINGS = 6;
const HALVES_EVERY_MS = 1000;
const EASES_AFTER_MS = 10_000;

/** Whether the answer asks the queue to slow down: 503, and 429 too where the target is not on App Engine. */
export function isPushback(result: DispatchResult, kind: Target['kind']): boolean {
  if (result.kind !== 'response') return false;
  return result.httpStatus === 503 || (result.httpStatus === 429 && kind === 'http');
}

/** After a target pushed back. Expects that all that should have eased before `now` has. */
export function pushedBack({ halvings, halvesFrom }: BackPressure, now: number): BackPressure {
  const easesAt = now + EASES_AFTER_MS;
  if (now < halvesFrom || halvings === MAX_HALVINGS) return { halvings, easesAt, halvesFrom };
  return { halvings: halvings + 1, easesAt, halvesFrom: now + HALVES_EVERY_MS };
}

/** With one halving fewer, from `easesAt` on. */
export function eased({ halvings, easesAt, halvesFrom }: BackPressure): BackPressure {
  if (halvings <= 1) return NO_PRESSURE;
  return { halvings: halvings - 1, easesAt: easesAt + EASES_AFTER_MS, halvesFrom };
}

/** The limits that are in force. The burst shrinks with the rate, or what is saved up would undo the cut. */
export function effectiveLimits(limits: RateLimits, { halvings }: BackPressure): RateLimits {
  if (halvings === 0) return limits;
  const share = 2 ** -halvings;
  return {
    ...limits,
    maxDispatchesPerSecond: limits.maxDispatchesPerSecond * share,
    maxBurstSize: Math.max(1, Math.floor(limits.maxBurstSize * share)),
  };
}
