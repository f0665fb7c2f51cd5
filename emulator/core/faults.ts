import { ApiError } from './errors.ts';

/** The refusals that more than one operation gives, in the real service's words. */

export function queueNotFound(): ApiError {
  return new ApiError(
    'NOT_FOUND',
    'Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize.',
  );
}

/** What CreateTask answered for a while in 2023 where the queue is missing. */
export function queueNotThere(): ApiError {
  return new ApiError('FAILED_PRECONDITION', 'Queue does not exist.');
}

export function entityNotFound(): ApiError {
  return new ApiError('NOT_FOUND', 'Requested entity was not found.');
}

export function invalidArgument(message: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', message);
}

/**
 * The service's catch-all for a bad field. Its text names nothing, so the field and what is wrong with it travel in the details.
 *
 * @param field Path of the field in the request, in proto spelling.
 */
export function invalidField(field: string, description: string): ApiError {
  return new ApiError('INVALID_ARGUMENT', 'Invalid resource field value in the request.', [
    { type: 'google.rpc.BadRequest', value: { fieldViolations: [{ field, description }] } },
  ]);
}
