import { Agent, request as sendRequest } from 'undici';
import type { Dispatch, DispatchRequest, DispatchResult } from '../core/dispatch.ts';
import { deliveryHeaders } from '../core/headers.ts';
import type { Authorization, Target } from '../core/model.ts';
import type { Tokens } from '../core/tokens.ts';
import { parseRetryAfter } from './retry-after.ts';

export interface HttpDispatcherOptions {
  readonly tokens: Pick<Tokens, 'idToken' | 'accessToken'>;
  /** Where App Engine tasks are delivered: an origin such as `http://127.0.0.1:8080`. Without it they cannot be. */
  readonly appEngineUrl?: string | undefined;
}

/** Past this much of a response's body the rest is not waited for: only the status counts. */
const MAX_RESPONSE_BYTES = 1024 * 1024;
const CONNECT_TIMEOUT_MS = 10_000;

/** Delivers tasks over HTTP/1.1. Redirects are not followed: they are responses like any other. */
export class HttpDispatcher implements AsyncDisposable {
  readonly #tokens: HttpDispatcherOptions['tokens'];
  readonly #appEngineUrl: string | undefined;
  readonly #agent: Agent;

  constructor({ tokens, appEngineUrl }: HttpDispatcherOptions) {
    this.#tokens = tokens;
    this.#appEngineUrl = appEngineUrl;
    // The one limit on a response is the task's deadline. HTTP/2 would write all header names in lower case.
    const timeouts = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: CONNECT_TIMEOUT_MS } };
    this.#agent = new Agent({ ...timeouts, allowH2: false });
  }

  /** Makes one attempt. It ends by the task's `dispatchDeadlineMs` at the latest, or as soon as `signal` says. */
  readonly dispatch: Dispatch = async (request, signal) => {
    const stop = new AbortController();
    let isOverdue = false;
    const deadline = setTimeout(() => {
      isOverdue = true;
      stop.abort();
    }, request.task.dispatchDeadlineMs);
    const cancel = () => stop.abort();
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      return await this.#send(request, stop.signal);
    } catch (error) {
      return isOverdue ? { kind: 'timeout' } : { kind: 'unreachable', reason: reasonOf(error) };
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', cancel);
    }
  };

  /** Cuts what is still open. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #send(request: DispatchRequest, signal: AbortSignal): Promise<DispatchResult> {
    const { target } = request.task;
    const response = await sendRequest(this.#urlOf(target), {
      dispatcher: this.#agent,
      method: target.method,
      headers: { ...sendable(deliveryHeaders(request)), ...(await this.#authorizationOf(target)) },
      body: target.body.length > 0 ? target.body : null,
      signal,
    });
    let size = 0;
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_RESPONSE_BYTES) break;
    }
    const retryAfterMs = parseRetryAfter([response.headers['retry-after']].flat()[0], Date.now());
    return {
      kind: 'response',
      httpStatus: response.statusCode,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
  }

  #urlOf(target: Target): string {
    switch (target.kind) {
      case 'http':
        return target.url;
      case 'appEngine': {
        if (this.#appEngineUrl === undefined) {
          throw new Error(
            'App Engine tasks have nowhere to go: start the emulator with appEngineUrl, the address of the app.',
          );
        }
        return this.#appEngineUrl.replace(/\/$/, '') + target.relativeUri;
      }
    }
  }

  async #authorizationOf(target: Target): Promise<Record<string, string>> {
    const authorization: Authorization | undefined =
      target.kind === 'http' ? target.authorization : undefined;
    switch (authorization?.kind) {
      case undefined:
        return {};
      case 'oauth':
        return { Authorization: `Bearer ${this.#tokens.accessToken()}` };
      case 'oidc': {
        const audience = authorization.audience ?? this.#urlOf(target);
        const token = await this.#tokens.idToken({ email: authorization.serviceAccountEmail, audience });
        return { Authorization: `Bearer ${token}` };
      }
    }
  }
}

/** Headers that speak about the connection, which is not the caller's. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

function sendable(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !CONNECTION_HEADERS.has(name.toLowerCase())),
  );
}

/** What went wrong with a connection, for people. A host with several addresses fails with one error for each. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map(reasonOf).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}
