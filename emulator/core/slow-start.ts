import type { RateLimits } from './model.ts';
import { burstSizeFor } from './rate.ts';

/**
 * How a queue gets up to its rate. The service says that dispatches "ramp up slowly when the queue is newly created or idle and if large
 * numbers of tasks suddenly become available", and that they do so by what succeeded before; it does not say how fast. This law is the
 * emulator's own: ten a second, and half as many again as succeeded each second, on average, in the minute before.
 */
function rampedRate(succeededLastMinute: number): number {
  return COLD_RATE + (GROWTH * succeededLastMinute) / 60;
}

const COLD_RATE = 10;
const GROWTH = 1.5;

/** The limits that are in force. The burst is that of the lower rate, or it would be the very spike that is to be smoothed. */
export function rampedLimits(limits: RateLimits, succeededLastMinute: number): RateLimits {
  const rate = rampedRate(succeededLastMinute);
  if (rate >= limits.maxDispatchesPerSecond) return limits;
  return {
    ...limits,
    maxDispatchesPerSecond: rate,
    maxBurstSize: Math.min(limits.maxBurstSize, burstSizeFor(rate)),
  };
}
