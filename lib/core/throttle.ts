import type { Firestore } from '@google-cloud/firestore';
import { PageturnerError } from './errors.ts';
import type { Run, RunChange, RunRecords } from './run.ts';
import { permits, transition, type Cause } from './transition.ts';

/** What of a task's definition bounds how fast the pages of a run follow each other: see `IterativeTaskDefinition`. */
export interface Throttling<P> {
  readonly documentsPerSecond?: number;
  readonly ramp?: boolean | { readonly writesPerDocument: number };
  throttle?(ctx: ThrottleContext<P>): Wait | Promise<Wait>;
}

/** Seconds from now, or an instant; nothing for no wait. */
export type Wait = number | Date | undefined | null;

/** For `throttle`: the page that is about to begin. */
export interface ThrottleContext<P> {
  readonly params: P;
  readonly runId: string;
  /** The shard whose page it is. */
  readonly shard: number;
  /** Documents that this shard has handled. */
  readonly processed: number;
  readonly db: Firestore;
  /** Aborted when the time of the delivery is over. */
  readonly signal: AbortSignal;
}

const slowest = 0.1;
const fastest = 1_000_000;

/** What is wrong with a rate, or undefined. Null is none. */
export function faultOfRate(rate: unknown): string | undefined {
  if (rate === null || (typeof rate === 'number' && rate >= slowest && rate <= fastest)) return undefined;
  const written = typeof rate === 'number' ? String(rate) : JSON.stringify(rate);
  return `documentsPerSecond ${written}: write a number from ${slowest} to ${fastest}; a run that is to stand still is paused`;
}

/** What is wrong with a definition's throttling, or undefined. */
export function faultOfThrottling(asked: Throttling<never>): string | undefined {
  const { documentsPerSecond, ramp = false } = asked;
  const fault = documentsPerSecond === undefined ? undefined : faultOfRate(documentsPerSecond);
  if (fault !== undefined) return fault;
  if (asked.throttle !== undefined && typeof asked.throttle !== 'function')
    return 'a throttle that is no function: write throttle(ctx) { … }, which returns seconds, a Date or nothing';
  if (typeof ramp === 'boolean') return undefined;
  const { writesPerDocument: writes } = ramp;
  if (typeof writes === 'number' && writes >= 1 && writes <= 500) return undefined;
  return `ramp { writesPerDocument: ${writes} }: write how many writes a document takes, 1 to 500`;
}

/** Firestore's rule for traffic that is new to a range of keys: 500 operations a second, half as many again every five minutes. */
const ramping = { operationsPerSecond: 500, growth: 1.5, everyMs: 300_000 };

type Ramp = Throttling<never>['ramp'];

/** Documents a second that the ramp allows so many milliseconds after the run began to walk; Infinity without one. */
export function rampedRate(ramp: Ramp, walkedMs: number): number {
  if (ramp === undefined || ramp === false) return Infinity;
  const writes = ramp === true ? 1 : ramp.writesPerDocument;
  const steps = Math.floor(Math.max(0, walkedMs) / ramping.everyMs);
  return (ramping.operationsPerSecond / writes) * ramping.growth ** steps;
}

/**
 * Documents a second that each shard of a run may take: an equal share of the run's rate for each shard that is not done, Infinity where
 * nothing bounds it.
 */
export function shareOf({ ramp }: { readonly ramp?: Ramp }, run: Run, now: number): number {
  const { documentsPerSecond: rate = Infinity, shards, walking = shards } = run;
  return Math.min(rate, rampedRate(ramp, now - walkingSince(run))) / Math.max(1, walking);
}

/** Since when its pages are handled without a break. */
function walkingSince({ history, createdAt }: Run): number {
  const pausedLast = history.findLastIndex(({ state }) => state !== 'running');
  return history[pausedLast + 1]?.at ?? createdAt;
}

/** Documents that a page may have: those of a second, and at least one. */
export function mostDocuments(share: number): number {
  return Math.max(1, Math.floor(share));
}

/**
 * The instant before which the page behind one of so many documents does not begin; undefined for at once. It counts from the beginning
 * of the page, not from its end: what the handler takes is part of the wait. So in whatever time, a shard begins with no more
 * documents than its share allows in it and one page.
 */
export function nextPageAt(
  share: number,
  documents: number,
  startedAt: number,
  now: number,
): number | undefined {
  const at = Math.ceil(startedAt + (documents / share) * 1000);
  return at > now ? at : undefined;
}

/**
 * The run with another rate, or none for null; undefined when that is its rate already. A page that waits goes on waiting, and
 * what begins from then on keeps the new rate.
 *
 * @throws PageturnerError `invalid-state` when no page of the run can follow; it names the run that followed it, if one has.
 */
export function withRate(
  { run }: RunRecords,
  documentsPerSecond: number | null,
  cause: Cause,
): RunChange | undefined {
  const { id, state, nextRun } = run;
  if (nextRun !== undefined && !permits(state, 'throttle'))
    throw new PageturnerError('invalid-state', `Run ${id} is ${state}, and run ${nextRun} has followed it.`);
  const { documentsPerSecond: before = null, ...others } = transition(run, 'throttle', {
    ...cause,
    documentsPerSecond,
  });
  if (before === documentsPerSecond) return undefined;
  return { run: { ...others, ...rateOf(documentsPerSecond) } };
}

/** A rate as it is kept in a run. */
export function rateOf(rate: number | null | undefined): Pick<Run, 'documentsPerSecond'> {
  return rate === undefined || rate === null ? {} : { documentsPerSecond: rate };
}

/** How many shards are not done, as a run that shares a rate between them keeps it; undefined where nothing is to be written. */
export function recounted(
  { ramp }: { readonly ramp?: Ramp },
  { run, shards }: RunRecords,
): RunChange | undefined {
  const isShared = run.documentsPerSecond !== undefined || (ramp !== undefined && ramp !== false);
  const walking = shards.filter(({ state }) => state !== 'done').length;
  if (!isShared || run.state !== 'running' || run.walking === walking) return undefined;
  // A shard that is done meanwhile has it counted again itself.
  return { run: { ...run, walking }, reliesOn: 'written' };
}
