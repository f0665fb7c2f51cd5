import { PageturnerError } from './errors.ts';
import { told } from './told.ts';

/** The service takes no task further ahead. */
const maxAheadMs = 30 * 24 * 3600 * 1000;

/**
 * The instant that `delay` (seconds) or `at` names; undefined for at once.
 *
 * @throws PageturnerError `invalid-parameters`.
 */
export function startAt(
  when: { readonly delay?: number; readonly at?: Date },
  now: number,
): number | undefined {
  const { delay, at } = when;
  if (delay === undefined && at === undefined) return undefined;
  if (delay !== undefined && at !== undefined) {
    throw new PageturnerError('invalid-parameters', 'Both delay and at are given; give one of them.');
  }
  if (at !== undefined && !isDate(at)) {
    throw new PageturnerError(
      'invalid-parameters',
      `at ${told(at)} is no Date: write one, such as new Date('2026-12-01T06:00:00Z').`,
    );
  }
  const instant = at === undefined ? now + secondsOf(delay) * 1000 : at.getTime();
  if (Number.isNaN(instant) || instant > now + maxAheadMs || (delay !== undefined && delay < 0)) {
    const given = at === undefined ? `delay ${told(delay)}` : `at ${timeText(at)}`;
    throw new PageturnerError('invalid-parameters', `${given} is no time from now to 30 days ahead.`);
  }
  return instant;
}

function secondsOf(delay: unknown): number {
  return typeof delay === 'number' ? delay : Number.NaN;
}

/** Also one of another realm, as test runners have them. */
function isDate(at: unknown): boolean {
  return Object.prototype.toString.call(at) === '[object Date]';
}

function timeText(at: Date): string {
  return Number.isNaN(at.getTime()) ? 'Invalid Date' : at.toISOString();
}
