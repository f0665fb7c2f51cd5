/** Once a run has completed, another begins. */
export interface Repeating {
  /** Seconds from the completion to the beginning of the next run, 1 to 2592000 (30 days). */
  readonly after: number;
}

/** The service takes no task further ahead. */
const longestAfter = 30 * 24 * 3600;

/** What is wrong with it, if anything. */
export function faultOfRepeating({ after }: Repeating): string | undefined {
  if (typeof after === 'number' && after >= 1 && after <= longestAfter) return undefined;
  return `repeat.after ${String(after)}: write seconds from 1 to ${longestAfter} (30 days)`;
}
