import type { Agent, Dispatcher } from 'undici';
import type { Dispatch, DispatchRequest, DispatchResult } from '../core/dispatch.ts';
import type { Exchange, ExchangeListener } from '../core/exchange.ts';
import { deliveryHeaders } from '../core/headers.ts';
import type { Authorization } from '../core/model.ts';
import { DEFAULT_SCOPE } from '../core/tokens.ts';
import type { Tokens } from '../core/tokens.ts';
import { traceparentIn } from '../core/trace-context.ts';
import { appEngineOrigin } from './app-engine-origin.ts';
import type { AppEngineUrl } from './app-engine-origin.ts';
import { HttpCall } from './http-call.ts';
import { Rewrites } from './rewrites.ts';
import { parseRetryAfter } from './retry-after.ts';

export interface HttpDispatcherOptions {
  readonly tokens: Pick<Tokens, 'idToken' | 'accessToken'>;
  /** Where App Engine tasks are delivered. Without it they cannot be. */
  readonly appEngineUrl?: AppEngineUrl | undefined;
  /**
   * Whether an HTTP target's redirect with a `Location` is followed, ten hops at most, as part of the attempt. Default no: the
   * service may follow it, and what was recorded of it did not. App Engine's are never followed.
   */
  readonly followRedirects?: boolean | undefined;
  /** Where HTTP targets are called in place of where they say. */
  readonly rewrites?: Rewrites | undefined;
  /** The `traceparent` of an attempt whose task has none; none unless given. */
  readonly traceparentOf?: ((request: DispatchRequest) => string) | undefined;
  /** Told of each exchange, before its attempt ends. Must not throw. */
  readonly onExchange?: ExchangeListener | undefined;
}

/** Through what each kind of target is called. */
interface Agents {
  readonly http: Dispatcher;
  readonly appEngine: Agent;
}

/** An exchange that is going on. */
type Exchanging = { -readonly [Key in keyof Exchange]: Exchange[Key] };

const CONNECT_TIMEOUT_MS = 10_000;
/** After so many a redirect is a response like any other. */
const MAX_REDIRECTIONS = 10;

/** Delivers tasks over HTTP/1.1. */
export class HttpDispatcher implements AsyncDisposable {
  readonly #tokens: HttpDispatcherOptions['tokens'];
  readonly #appEngineUrl: AppEngineUrl | undefined;
  readonly #onExchange: ExchangeListener | undefined;
  readonly #followRedirects: boolean;
  readonly #traceparentOf: HttpDispatcherOptions['traceparentOf'];
  #agents: Promise<Agents> | undefined;
  #rewrites: Rewrites;

  constructor(options: HttpDispatcherOptions) {
    const { tokens, appEngineUrl, followRedirects = false, onExchange, rewrites = new Rewrites() } = options;
    this.#rewrites = rewrites;
    this.#tokens = tokens;
    this.#traceparentOf = options.traceparentOf;
    this.#onExchange = onExchange;
    this.#appEngineUrl = appEngineUrl;
    this.#followRedirects = followRedirects;
  }

  /** Has other rules from the next attempt on. */
  rewriteBy(rewrites: Rewrites): void {
    this.#rewrites = rewrites;
  }

  /** Makes one attempt. It ends by the task's `dispatchDeadlineMs` at the latest, or as soon as `signal` says. */
  readonly dispatch: Dispatch = async (request, signal) => {
    const call = new HttpCall();
    let isOverdue = false;
    const deadline = setTimeout(() => {
      isOverdue = true;
      call.stop(new Error('deadline exceeded'));
    }, request.task.dispatchDeadlineMs);
    const cancel = () => call.stop(new Error('This operation was aborted'));
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    const { method, body } = request.task.target;
    const exchange: Exchanging = {
      method,
      url: '',
      headers: {},
      body: Buffer.from(body.buffer, body.byteOffset, body.length),
    };
    try {
      return await this.#send(request, exchange, call);
    } catch (error) {
      exchange.error = reasonOf(error);
      return isOverdue ? { kind: 'timeout' } : { kind: 'unreachable', reason: exchange.error };
    } finally {
      clearTimeout(deadline);
      signal.removeEventListener('abort', cancel);
      if (this.#onExchange !== undefined && call.response !== undefined) exchange.response = call.response;
      this.#onExchange?.(request, exchange);
    }
  };

  /** Cuts what is still open. */
  async close(): Promise<void> {
    await (await this.#agents)?.appEngine.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #send(request: DispatchRequest, exchange: Exchanging, call: HttpCall): Promise<DispatchResult> {
    const { target } = request.task;
    exchange.url = this.#urlOf(request);
    exchange.headers = {
      ...sendable(deliveryHeaders(request)),
      ...this.#traceContextOf(request),
      ...(await this.#authorizationOf(request)),
    };
    this.#agents ??= loadAgents(this.#followRedirects);
    const agents = await this.#agents;
    const rewritten = target.kind === 'http' ? this.#rewrites.of(exchange.url) : undefined;
    if (rewritten !== undefined) exchange.calledUrl = rewritten.url;
    const { origin, pathname, search } = new URL(rewritten?.url ?? exchange.url);
    const { httpStatus, headers } = await call.send(agents[target.kind], {
      origin,
      path: pathname + search,
      method: target.method,
      headers: rewritten === undefined ? exchange.headers : { ...exchange.headers, Host: rewritten.host },
      body: target.body.length > 0 ? target.body : null,
    });
    const retryAfterMs = parseRetryAfter([headers['retry-after']].flat()[0], Date.now());
    return { kind: 'response', httpStatus, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  }

  #urlOf({ task: { target }, routing }: DispatchRequest): string {
    switch (target.kind) {
      case 'http':
        return target.url;
      case 'appEngine':
        return appEngineOrigin(this.#appEngineUrl, routing ?? target.routing ?? {}) + target.relativeUri;
    }
  }

  #traceContextOf(request: DispatchRequest): Record<string, string> {
    const isNamed = traceparentIn(request.task.target.headers) !== undefined;
    return this.#traceparentOf === undefined || isNamed ? {} : { traceparent: this.#traceparentOf(request) };
  }

  async #authorizationOf(request: DispatchRequest): Promise<Record<string, string>> {
    const { target } = request.task;
    const authorization: Authorization | undefined =
      target.kind === 'http' ? target.authorization : undefined;
    switch (authorization?.kind) {
      case undefined:
        return {};
      case 'oauth': {
        const { serviceAccountEmail: email, scope = DEFAULT_SCOPE } = authorization;
        return { Authorization: `Bearer ${this.#tokens.accessToken({ email, scope })}` };
      }
      case 'oidc': {
        const audience = authorization.audience ?? this.#urlOf(request);
        const token = await this.#tokens.idToken({ email: authorization.serviceAccountEmail, audience });
        return { Authorization: `Bearer ${token}` };
      }
    }
  }
}

/** undici is loaded with the first attempt: it is a good part of a start. */
async function loadAgents(followRedirects: boolean): Promise<Agents> {
  const { Agent: NewAgent, interceptors } = await import('undici');
  // The one limit on a response is the task's deadline. HTTP/2 would write all header names in lower case.
  const timeouts = { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: CONNECT_TIMEOUT_MS } };
  const appEngine = new NewAgent({ ...timeouts, allowH2: false });
  const http = followRedirects
    ? appEngine.compose(interceptors.redirect({ maxRedirections: MAX_REDIRECTIONS }))
    : appEngine;
  return { http, appEngine };
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

/** What OpenSSL and undici say in terms of their own. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: 'the target speaks no TLS: its address is to begin with http://',
  ERR_ASSERTION: 'the response is no valid HTTP',
};

/** What went wrong with a connection, for people. A host with several addresses fails with one error for each. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map(reasonOf).join('; ');
  }
  const { message = String(error), code } = error as Partial<NodeJS.ErrnoException>;
  const known = code === undefined ? undefined : REASONS[code];
  return known ?? message.replaceAll(/\s+/g, ' ').trim();
}
