/**
 * The JSON forms of `google.protobuf.Timestamp` and `google.protobuf.Duration`, exact to the nanosecond: `Date` alone keeps
 * milliseconds.
 */

/** A timestamp or a duration by its protobuf fields. */
export interface SecondsAndNanos {
  readonly seconds: number;
  readonly nanos: number;
}

const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;
const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** Reads RFC 3339 text. Undefined if it is none, or names a day that does not exist. */
export function parseTimestamp(text: string): SecondsAndNanos | undefined {
  const match = TIMESTAMP.exec(text);
  if (match === null) return undefined;
  const [, day = '', time = '', fraction = '', offset = ''] = match;
  const atMs = Date.parse(`${day}T${time}${offset}`);
  // `Date` lets 31 February roll over into March.
  if (Number.isNaN(atMs) || new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day) return undefined;
  return { seconds: Math.floor(atMs / 1000), nanos: nanosOf(fraction) };
}

/** Writes RFC 3339 text in UTC with 0, 3, 6 or 9 decimals, as Google does. */
export function formatTimestamp({ seconds, nanos }: SecondsAndNanos): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length);
  return `${whole}${fractionOf(nanos)}Z`;
}

/** Reads text such as `0.100s` or `-1.5s`. Undefined if it is none. */
export function parseDuration(text: string): SecondsAndNanos | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const [, minus = '', whole = '', fraction = ''] = match;
  const sign = minus === '' ? 1 : -1;
  return { seconds: sign * Number(whole), nanos: sign * nanosOf(fraction) };
}

/** Writes text such as `0.100s`, with 0, 3, 6 or 9 decimals. */
export function formatDuration({ seconds, nanos }: SecondsAndNanos): string {
  const sign = seconds < 0 || nanos < 0 ? '-' : '';
  return `${sign}${Math.abs(seconds)}${fractionOf(Math.abs(nanos))}s`;
}

function nanosOf(fraction: string): number {
  return Number(fraction.padEnd(9, '0'));
}

function fractionOf(nanos: number): string {
  if (nanos === 0) return '';
  return `.${String(nanos)
    .padStart(9, '0')
    .replace(/^(\d{3}(?:\d{3})??)(?:000)+$/, '$1')}`;
}
