import { SpanStatusCode, trace, type Span, type SpanOptions } from '@opentelemetry/api';
import { PageturnerError } from '../core/errors.ts';

/** A proxy until somebody registers an SDK, whenever that is; without one nothing is recorded. */
const tracer = trace.getTracer('pageturner');

/**
 * Does `work` in a span `pageturner.NAME`, under the span that is active. Spans never hold parameters, documents or the messages of
 * errors, which may name people: the log entries of the same span have the messages.
 */
export async function inSpan<T>(
  name: string,
  options: SpanOptions,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return await tracer.startActiveSpan(`pageturner.${name}`, options, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

export function markFailed(span: Span, error: unknown): void {
  span.setAttribute('error.type', errorType(error)).setStatus({ code: SpanStatusCode.ERROR });
}

/** What kind of error it is, out of a small set: the code of Pageturner's own errors, the class of others. */
export function errorType(error: unknown): string {
  if (error instanceof PageturnerError) return error.code;
  if (!(error instanceof Error)) return typeof error;
  // Whatever a handler throws: `constructor` may be anything, and a class may have no name.
  const { constructor } = error as { readonly constructor: unknown };
  return (typeof constructor === 'function' && constructor.name) || 'Error';
}
