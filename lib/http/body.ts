import type { Request } from '@google-cloud/functions-framework';
import { PageturnerError } from '../core/errors.ts';

/**
 * The JSON of a request, whatever content type it came with; undefined when there is no body.
 *
 * @throws PageturnerError `invalid-request` when it is not JSON.
 */
export function jsonBody(request: Request): unknown {
  const text = request.rawBody?.toString('utf8') ?? '';
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PageturnerError('invalid-request', `The body is not JSON: ${(cause as Error).message}.`, {
      cause,
    });
  }
}
