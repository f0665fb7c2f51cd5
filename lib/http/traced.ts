import type { HttpFunction } from '@google-cloud/functions-framework';
import { withRequestTrace } from '../request-trace.ts';

/** The same function, with what it logs in the trace of each request. */
export function traced(handle: HttpFunction): HttpFunction {
  return (request, response) =>
    withRequestTrace(
      (name) => request.get(name),
      () => handle(request, response),
    );
}
