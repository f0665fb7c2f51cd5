import { SpanStatusCode } from '@opentelemetry/api';
import type { Clock } from '../ports.ts';
import { instruments, type Labels } from './instruments.ts';
import { inSpan } from './spans.ts';

export interface HandlerCall extends Labels {
  /** Which of the user's functions it is: `page`, `each`, `run`, `onComplete`. */
  readonly handler: string;
  readonly clock: Clock;
}

/**
 * Calls the user's code in a span, measures it, and counts its failures.
 *
 * @param failuresIn how many failures a result holds that were caught already; none unless given
 */
export async function observeHandler<T>(
  { task, queue, handler, clock }: HandlerCall,
  work: () => Promise<T>,
  failuresIn: (result: T) => number = () => 0,
): Promise<T> {
  const labels = { task, queue, handler };
  const startedAt = clock.now();
  const ended = (failures: number): void => {
    const { failures: failed, handlerSeconds } = instruments();
    const outcome = failures > 0 ? 'failed' : 'ok';
    handlerSeconds.record((clock.now() - startedAt) / 1000, { ...labels, outcome });
    if (failures > 0) failed.add(failures, labels);
  };
  return await inSpan('handler', { attributes: { 'pageturner.handler': handler } }, async (span) => {
    try {
      const result = await work();
      const failures = failuresIn(result);
      ended(failures);
      if (failures > 0)
        span.setAttribute('pageturner.failures', failures).setStatus({ code: SpanStatusCode.ERROR });
      return result;
    } catch (error) {
      ended(1);
      throw error;
    }
  });
}
