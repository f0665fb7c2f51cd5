import { shortId } from '../core/names.ts';
import type { Delivery } from './attempt-log.ts';

/** How things stood when a wait came to its end. */
export interface Standstill {
  /** What was waited for, beginning with `for` or `until`. */
  readonly wanted: string;
  readonly timeoutMs: number | undefined;
  readonly now: number;
  readonly attemptsOut: number;
  readonly nextDueAt: number | undefined;
  /** Whether tasks wait only in queues that are paused or pulled from. */
  readonly isHeldOnly: boolean;
  /** Those that came. */
  readonly deliveries?: readonly Delivery[];
}

const SHOWN_DELIVERIES = 10;

/** Tells what was waited for in vain, what came instead, and what is still there. */
export function complaintText(standstill: Standstill): string {
  const { wanted, timeoutMs, deliveries } = standstill;
  const came =
    deliveries === undefined ? [] : [`${deliveries.length} came${deliveries.length > 0 ? ':' : '.'}`];
  const lines = (deliveries ?? []).slice(-SHOWN_DELIVERIES).map((delivery) => `  ${deliveryText(delivery)}`);
  return [`Waited ${timeoutMs} ms ${wanted}.`, ...came, ...lines, leftText(standstill)].join('\n');
}

function deliveryText({ taskName, attempt, method, url, response, error }: Delivery): string {
  const end = response === undefined ? (error ?? 'no response') : String(response.httpStatus);
  return `${shortId(taskName)}, attempt ${attempt}: ${method} ${url} -> ${end}`;
}

function leftText({ attemptsOut, nextDueAt, isHeldOnly, now }: Standstill): string {
  const out = attemptsOut === 0 ? 'No attempt is out' : `Attempts that are out: ${attemptsOut}`;
  if (isHeldOnly) return `${out}; tasks wait only in queues that are paused or pulled from.`;
  if (nextDueAt === undefined) return `${out}, and no task waits.`;
  const inMs = Math.max(0, Math.round(nextDueAt - now));
  return `${out}; the next task that waits falls due at ${new Date(nextDueAt).toISOString()}, in ${inMs} ms.`;
}
