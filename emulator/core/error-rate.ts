const ENOUGH_ATTEMPTS = 10;
const HIGH_SHARE = 0.5;

/**
 * Whether "the rate of errors is high", at which the service slows a queue down. From where on it is, it does not say; here it is when
 * half of the attempts that ended in the last minute failed, of ten or more.
 */
export function isErrorRateHigh(ended: number, failed: number): boolean {
  return ended >= ENOUGH_ATTEMPTS && failed >= ended * HIGH_SHARE;
}
