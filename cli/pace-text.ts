import type { RunSummary } from '../lib/index.ts';

/** Such as `12 documents/s, about 3 min left`. */
export function paceText(rate: number, secondsLeft?: number): string {
  const pace = `${rateText(rate)} documents/s`;
  return secondsLeft === undefined ? pace : `${pace}, about ${timeText(secondsLeft)} left`;
}

/** Whole numbers, but for slow things, of which a whole number says nothing. */
export function rateText(rate: number): string {
  return rate >= 10 || rate === 0 ? String(Math.round(rate)) : String(Number(rate.toPrecision(2)));
}

/** In the two units that matter at that length: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`. */
export function timeText(seconds: number): string {
  if (seconds < 120) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${Math.ceil(minutes / 60) % 24} h`;
}

/** Such as `to 50 documents/s`, and who set that while it went on; nothing for a run without a limit, unless somebody lifted it. */
export function throttleText({ throttledTo, history }: RunSummary): string | undefined {
  const set = history.findLast(({ event }) => event === 'throttle');
  if (throttledTo === undefined && set === undefined) return undefined;
  const rate = throttledTo === undefined ? 'no more' : `to ${throttledTo} documents/s`;
  if (set === undefined) return rate;
  return `${rate}, by ${set.by} at ${set.at.toISOString()}${set.reason === undefined ? '' : `: ${set.reason}`}`;
}

/** A shorter wait is over before it is read. */
const shortestWaitMs = 2_000;

/** Such as `waits until 2026-11-25T22:00:00.000Z`, or for its workers to stop; nothing where that is now. */
export function waitText(
  { waitsUntil, stopsBy }: Partial<Pick<RunSummary, 'waitsUntil' | 'stopsBy'>>,
  now: number,
): string | undefined {
  const until = stopsBy ?? waitsUntil;
  if (until === undefined || until.getTime() < now + shortestWaitMs) return undefined;
  const what = stopsBy === undefined ? 'waits' : 'waits for what is under way, at most';
  return `${what} until ${until.toISOString()}`;
}
