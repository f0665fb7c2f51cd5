import { ApiError } from '../core/errors.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { ReportDefect } from './rpc.ts';

/** The HTTP status of each code, as `google/rpc/code.proto` lays it down. */
const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  ABORTED: 409,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

export function httpStatusOf(code: ErrorCode): number {
  return HTTP_STATUS[code];
}

/** Turns whatever an RPC threw into the error that the caller sees. What is no `ApiError` is reported and leaves as INTERNAL. */
export function toApiError(error: unknown, reportDefect: ReportDefect): ApiError {
  if (error instanceof ApiError) return error;
  reportDefect(error);
  return new ApiError('INTERNAL', 'Internal error encountered.');
}

/** An INVALID_ARGUMENT that names each faulty field, in its text and in its details. */
export function badRequest(violations: readonly FieldViolation[]): ApiError {
  return new ApiError('INVALID_ARGUMENT', violations.map((violation) => violation.description).join('\n'), [
    { type: 'google.rpc.BadRequest', value: { fieldViolations: violations } },
  ]);
}

export interface FieldViolation {
  /** Path of the field in snake_case, empty for the request itself. */
  readonly field: string;
  readonly description: string;
}
