import type { RateLimits } from './model.ts';

/**
 * A token bucket, kept as one instant: when it will be full again if nothing leaves. Tokens flow in continuously, so the level at
 * any instant follows from it, and the next token's instant is exact: a timer set for it never wakes a rounding error too early.
 */
export interface Bucket {
  readonly fullAt: number;
}

export const FULL_BUCKET: Bucket = { fullAt: Number.NEGATIVE_INFINITY };

/** The service's choice of bucket size for a rate. Its law is not published; this fits what was recorded. */
export function burstSizeFor(maxDispatchesPerSecond: number): number {
  return Math.max(10, Math.ceil(maxDispatchesPerSecond / 5));
}

/**
 * The bucket as it stands at `now`: never fuller than full and never emptier than empty. The latter bounds the wait after the clock
 * was set back. Every other function here expects a settled bucket.
 */
export function settleBucket(bucket: Bucket, limits: RateLimits, now: number): Bucket {
  const emptyFullAt = now + limits.maxBurstSize * tokenIntervalMs(limits);
  return { fullAt: Math.min(Math.max(bucket.fullAt, now), emptyFullAt) };
}

/** When the bucket holds a token; at or before now if it holds one already. */
export function nextTokenAt(bucket: Bucket, limits: RateLimits): number {
  return bucket.fullAt - (limits.maxBurstSize - 1) * tokenIntervalMs(limits);
}

/** The bucket after one token was taken. Only valid when `nextTokenAt` is not after now. */
export function takeToken(bucket: Bucket, limits: RateLimits): Bucket {
  return { fullAt: bucket.fullAt + tokenIntervalMs(limits) };
}

/** The bucket under new limits: it keeps its tokens, as far as the new size holds them. */
export function resizeBucket(bucket: Bucket, from: RateLimits, to: RateLimits, now: number): Bucket {
  const tokens = from.maxBurstSize - (bucket.fullAt - now) / tokenIntervalMs(from);
  return { fullAt: now + Math.max(0, to.maxBurstSize - tokens) * tokenIntervalMs(to) };
}

/**
 * In whole 1/1024 ms, about a microsecond: sums of instants and such intervals are exact. Otherwise rounding errors would add up and
 * hold back the last token of a burst. Rounded up, so that the rate is never exceeded.
 */
function tokenIntervalMs(limits: RateLimits): number {
  return Math.ceil((1000 * 1024) / limits.maxDispatchesPerSecond) / 1024;
}
