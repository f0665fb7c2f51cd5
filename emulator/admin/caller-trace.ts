import { traceIdOf } from '../core/trace-context.ts';

/** In which trace the request stands that is being answered: so a task is known to come from the delivery of another. */
export class CallerTrace {
  #traceId: string | undefined;

  get traceId(): string | undefined {
    return this.#traceId;
  }

  /** A request begins, with this `traceparent`. What it does, it does at once: when the code that runs now is done, it counts no more. */
  begin(traceparent: string | undefined): void {
    const traceId = traceIdOf(traceparent);
    if (traceId === undefined) return;
    this.#traceId = traceId;
    queueMicrotask(() => {
      this.#traceId = undefined;
    });
  }
}
