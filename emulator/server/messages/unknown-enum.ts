import { ApiError } from '../../core/errors.ts';

/** Over gRPC an enum may hold a number that has no name. */
export function unknownEnum(field: string, type: string, value: number): ApiError {
  return new ApiError(
    'INVALID_ARGUMENT',
    `Invalid value at '${field}' (type.googleapis.com/google.cloud.tasks.v2.${type}), ${value}`,
  );
}
