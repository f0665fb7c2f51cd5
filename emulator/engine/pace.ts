import { isSuccess } from '../core/attempt.ts';
import { eased, effectiveLimits, isPushback, NO_PRESSURE, pushedBack } from '../core/back-pressure.ts';
import type { DispatchResult } from '../core/dispatch.ts';
import { isErrorRateHigh } from '../core/error-rate.ts';
import { LastMinute } from '../core/last-minute.ts';
import type { RateLimits, Target } from '../core/model.ts';
import { FULL_BUCKET, nextTokenAt, resizeBucket, settleBucket, takeToken } from '../core/rate.ts';
import { rampedLimits } from '../core/slow-start.ts';
import type { SlowReason } from './events.ts';

/** Which of the service's own throttles are in force. */
export interface Throttles {
  /** Whether a queue slows down when its targets answer 429 or 503. Default true; how far the service does is not public. */
  readonly hasBackPressure: boolean;
  /** Whether a queue slows down when half of its attempts fail or more, however they fail. Default false; true with the profile `strict`. */
  readonly hasErrorPressure: boolean;
  /** Whether a queue that is new, idle or resumed gets up to its rate step by step. Default false; true with the profile `strict`. */
  readonly hasSlowStart: boolean;
}

/**
 * How fast a queue sends: its bucket of tokens, under its own limits less what the service takes of them. It is kept in memory: after a
 * restart a queue is under no pressure, and cold.
 */
export class Pace {
  readonly #throttles: Throttles;
  /** Those of the queue. */
  #own: RateLimits;
  /** Those that are in force. */
  #limits: RateLimits;
  #bucket = FULL_BUCKET;
  #pressure = NO_PRESSURE;
  #succeeded = new LastMinute();
  #failed = new LastMinute();
  /** The second for which the slow start was last looked at. */
  #rampedSecond = Number.NEGATIVE_INFINITY;
  #succeededLastMinute = 0;

  constructor(own: RateLimits, throttles: Throttles) {
    this.#throttles = throttles;
    this.#own = own;
    this.#limits = own;
    this.#limits = this.#limitsNow();
  }

  /** Whether the queue is held back because it is cold. */
  get isCold(): boolean {
    return (
      this.#throttles.hasSlowStart &&
      rampedLimits(this.#own, this.#succeededLastMinute).maxDispatchesPerSecond <
        this.#own.maxDispatchesPerSecond
    );
  }

  /** When its bucket is full again, if nothing is taken from it. */
  get bucketFullAt(): number {
    return this.#bucket.fullAt;
  }

  /** Has its bucket full from that instant on, and no sooner. */
  fillBucketAt(fullAt: number): void {
    this.#bucket = { fullAt };
  }

  /** Dispatches a second that are in force. */
  rate(now: number): number {
    this.#settle(now);
    return this.#limits.maxDispatchesPerSecond;
  }

  /** Takes new limits. The bucket keeps its tokens, as far as its new size holds them. */
  setLimits(own: RateLimits, now: number): void {
    this.#settle(now);
    this.#own = own;
    this.#resize(now);
  }

  /** Makes it cold, as a queue is that was paused. */
  cool(now: number): void {
    this.#settle(now);
    this.#succeeded = new LastMinute();
    this.#succeededLastMinute = 0;
    this.#resize(now);
  }

  /** From when a token can be had, at or before `now` if it can now. */
  opensAt(now: number): number {
    this.#settle(now);
    this.#bucket = settleBucket(this.#bucket, this.#limits, now);
    // When the pressure eases, the next token comes sooner than it seems now.
    return Math.min(nextTokenAt(this.#bucket, this.#limits), this.#pressure.easesAt);
  }

  /** Takes the token that `opensAt` said is there. */
  takeToken(): void {
    this.#bucket = takeToken(this.#bucket, this.#limits);
  }

  /** Takes in how an attempt ended. Returns why the queue is slower now, if it is. */
  attemptEnded(now: number, result: DispatchResult, kind: Target['kind']): SlowReason | undefined {
    this.#settle(now);
    (isSuccess(result) ? this.#succeeded : this.#failed).add(now);
    const reason = this.#reasonToSlow(now, result, kind);
    if (reason === undefined) return undefined;
    const { halvings } = this.#pressure;
    this.#pressure = pushedBack(this.#pressure, now);
    this.#resize(now);
    return this.#pressure.halvings > halvings ? reason : undefined;
  }

  #reasonToSlow(now: number, result: DispatchResult, kind: Target['kind']): SlowReason | undefined {
    const { hasBackPressure, hasErrorPressure } = this.#throttles;
    if (hasBackPressure && isPushback(result, kind)) return 'pushback';
    if (!hasErrorPressure || isSuccess(result)) return undefined;
    const failed = this.#failed.count(now);
    return isErrorRateHigh(failed + this.#succeeded.count(now), failed) ? 'errors' : undefined;
  }

  /** Brings what depends on time up to now. */
  #settle(now: number): void {
    while (this.#pressure.easesAt <= now) {
      const at = this.#pressure.easesAt;
      this.#pressure = eased(this.#pressure);
      this.#resize(at);
    }
    const second = Math.floor(now / 1000);
    if (!this.#throttles.hasSlowStart || second === this.#rampedSecond) return;
    this.#rampedSecond = second;
    this.#succeededLastMinute = this.#succeeded.count(now);
    this.#resize(now);
  }

  #resize(at: number): void {
    const limits = this.#limitsNow();
    this.#bucket = resizeBucket(settleBucket(this.#bucket, this.#limits, at), this.#limits, limits, at);
    this.#limits = limits;
  }

  #limitsNow(): RateLimits {
    const ramped = this.#throttles.hasSlowStart
      ? rampedLimits(this.#own, this.#succeededLastMinute)
      : this.#own;
    return effectiveLimits(ramped, this.#pressure);
  }
}
