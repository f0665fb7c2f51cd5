import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { ExchangeResponse } from '../core/exchange.ts';

/** Past this much of a response's body the rest is not waited for: only the status counts. */
const MAX_RESPONSE_BYTES = 1024 * 1024;
/** So much of it is kept for whoever looks at the exchange. */
const KEPT_RESPONSE_BYTES = 16 * 1024;

/**
 * One HTTP call: what undici tells of it as it goes on, without a stream or an abort signal of its own, which would cost more than the rest
 * of a small call. It is over with the response, with a fault, or as soon as `stop` says; what came of the response until then stays readable.
 */
export class HttpCall implements Dispatcher.DispatchHandler {
  readonly #over = Promise.withResolvers<void>();
  #controller: Dispatcher.DispatchController | undefined;
  #stopReason: Error | undefined;
  #httpStatus: number | undefined;
  #headers: IncomingHttpHeaders = {};
  readonly #kept: Buffer[] = [];
  #size = 0;

  /** Resolves when all that counts of the response is here, to its status and headers; rejects with why it is not. */
  async send(
    dispatcher: Dispatcher,
    options: Dispatcher.DispatchOptions,
  ): Promise<{ readonly httpStatus: number; readonly headers: IncomingHttpHeaders }> {
    if (this.#stopReason === undefined) dispatcher.dispatch(options, this);
    await this.#over.promise;
    return { httpStatus: this.#httpStatus ?? 0, headers: this.#headers };
  }

  /** Ends the call, whether it has begun or not. */
  stop(reason: Error): void {
    this.#stopReason ??= reason;
    this.#over.reject(reason);
    // Nobody may be waiting yet.
    this.#over.promise.catch(() => undefined);
    this.#controller?.abort(reason);
  }

  /** The response as far as it came; undefined without a head. */
  get response(): ExchangeResponse | undefined {
    if (this.#httpStatus === undefined) return undefined;
    const body = Buffer.concat(this.#kept).subarray(0, KEPT_RESPONSE_BYTES);
    const isTruncated = this.#size > body.length;
    return { httpStatus: this.#httpStatus, headers: joined(this.#headers), body, isTruncated };
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#stopReason !== undefined) controller.abort(this.#stopReason);
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    httpStatus: number,
    headers: IncomingHttpHeaders,
  ): void {
    // Those below 200 announce the response.
    if (httpStatus < 200) return;
    this.#httpStatus = httpStatus;
    this.#headers = headers;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#size < KEPT_RESPONSE_BYTES) this.#kept.push(chunk);
    this.#size += chunk.length;
    if (this.#size <= MAX_RESPONSE_BYTES) return;
    this.#over.resolve();
    controller.abort(new Error('The response is longer than anybody reads.'));
  }

  onResponseEnd(): void {
    this.#controller = undefined;
    this.#over.resolve();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#controller = undefined;
    this.#over.reject(error);
  }
}

function joined(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]),
  );
}
