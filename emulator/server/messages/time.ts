import type { protos } from '@google-cloud/tasks';
import { ApiError } from '../../core/errors.ts';
import type { SecondsAndNanos } from '../time-format.ts';

type Timestamp = protos.google.protobuf.ITimestamp;
type Duration = protos.google.protobuf.IDuration;

/** 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z, the ends of what a `Timestamp` may say. */
const MIN_TIMESTAMP_SECONDS = -62_135_596_800;
const MAX_TIMESTAMP_SECONDS = 253_402_300_799;
/** 10,000 years, the most that a `Duration` may say. */
const MAX_DURATION_SECONDS = 315_576_000_000;

/** A timestamp as milliseconds, cut to the microsecond, which is what the service keeps. */
export function instantFromProto(timestamp: Timestamp | null | undefined, field: string): number | undefined {
  if (timestamp === null || timestamp === undefined) return undefined;
  const seconds = Number(timestamp.seconds ?? 0);
  const nanos = timestamp.nanos ?? 0;
  const isValid =
    seconds >= MIN_TIMESTAMP_SECONDS && seconds <= MAX_TIMESTAMP_SECONDS && nanos >= 0 && nanos < 1e9;
  if (!isValid) throw outOfRange(field, 'Timestamp', seconds, nanos);
  return (seconds * 1e6 + Math.floor(nanos / 1000)) / 1000;
}

export function instantToProto(instant: number): SecondsAndNanos {
  return fromMicros(Math.round(instant * 1000));
}

/** A duration as milliseconds, which may carry a fraction and may be negative. */
export function durationFromProto(duration: Duration | null | undefined, field: string): number | undefined {
  if (duration === null || duration === undefined) return undefined;
  const seconds = Number(duration.seconds ?? 0);
  const nanos = duration.nanos ?? 0;
  const isValid = Math.abs(seconds) <= MAX_DURATION_SECONDS && Math.abs(nanos) < 1e9 && seconds * nanos >= 0;
  if (!isValid) throw outOfRange(field, 'Duration', seconds, nanos);
  return seconds * 1000 + nanos / 1e6;
}

export function durationToProto(durationMs: number): SecondsAndNanos {
  return fromMicros(Math.round(durationMs * 1000));
}

function fromMicros(micros: number): SecondsAndNanos {
  const seconds = Math.floor(micros / 1e6);
  return { seconds, nanos: (micros - seconds * 1e6) * 1000 };
}

function outOfRange(field: string, type: string, seconds: number, nanos: number): ApiError {
  return new ApiError(
    'INVALID_ARGUMENT',
    `Invalid value at '${field}' (type.googleapis.com/google.protobuf.${type}), ${seconds} seconds and ${nanos} nanos are out of range.`,
  );
}
