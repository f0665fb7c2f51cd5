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

/** Behind the end of its time something still has to be delivered, and to happen. */
const stopTakesMs = 15_000;

/** Such as `waits until 2026-11-25T22:00:00.000Z`, or what a run that is to stop waits for; nothing where that is now. */
export function waitText(
  { waitsUntil, stopsBy }: Partial<Pick<RunSummary, 'waitsUntil' | 'stopsBy'>>,
  now: number,
): string | undefined {
  if (stopsBy !== undefined) return stopText(stopsBy, now);
  if (waitsUntil === undefined || waitsUntil.getTime() < now + shortestWaitMs) return undefined;
  return `waits until ${waitsUntil.toISOString()}`;
}

/** What a run waits for that is to stop by then, or what may be wrong if it has not. */
export function stopText(stopsBy: Date, now: number): string {
  return now < stopsBy.getTime() + stopTakesMs
    ? `waits for what may be under way, at most until ${stopsBy.toISOString()}; --force does not`
    : `should have stopped at ${stopsBy.toISOString()}: its queue may be paused, and --force does not wait for it`;
}
