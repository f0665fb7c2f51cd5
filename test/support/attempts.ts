import type { Attempt } from '../../lib/ports.ts';

/** An attempt behind so many others, not the last, at a task that was first delivered after all else. */
export function attempt(retries: number, changes: Partial<Attempt> = {}): Attempt {
  return {
    retries,
    isLast: async () => false,
    firstMadeAt: async () => Number.POSITIVE_INFINITY,
    ...changes,
  };
}
