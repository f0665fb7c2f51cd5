import { expect } from 'vitest';
import type { ErrorCode, ErrorDetail } from '../../emulator/core/errors.ts';

/** Matches an `ApiError` of this code, text and, if given, details. */
export function apiError(code: ErrorCode, message: string, details?: readonly ErrorDetail[]): unknown {
  return expect.objectContaining({ name: 'ApiError', code, message, ...(details && { details }) });
}

export function invalidArgument(message: string): unknown {
  return apiError('INVALID_ARGUMENT', message);
}

/** Matches the service's catch-all for a bad field, where the details tell the field and a part of the cause. */
export function invalidField(field: string, description: string): unknown {
  return apiError('INVALID_ARGUMENT', 'Invalid resource field value in the request.', [
    {
      type: 'google.rpc.BadRequest',
      value: { fieldViolations: [{ field, description: expect.stringContaining(description) }] },
    },
  ]);
}
