import type { IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import { ApiError } from '../core/errors.ts';
import { refuseWebPages } from './browser-guard.ts';
import type { ReportDefect } from './rpc.ts';
import { httpStatusOf, toApiError } from './status.ts';

// Not by `import`, which reads all that a module of Node's exports: of `node:http` that loads Node's own undici, a good part of a start.
const { createServer } = process.getBuiltinModule('node:http');

/** One HTTP request, read to its end. */
export interface HttpRequest {
  readonly method: string;
  /** Path as it came, percent-encodings included. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A function writes it piece by piece once the head is written, and ends it; the connection closes with it. */
  readonly body: string | ((outgoing: ServerResponse) => void);
}

/** Answers the requests that are its own; undefined leaves a request to the next handler. */
export type HttpHandler = (request: HttpRequest) => HttpReply | undefined | Promise<HttpReply | undefined>;

/** The limit of Google's front end. */
export const MAX_REQUEST_BYTES: number = 10 * 1024 * 1024;

export interface HttpServerOptions {
  readonly reportDefect: ReportDefect;
  /** An address under which clients reach it besides those of this machine. */
  readonly publicUrl?: string | undefined;
  /** How long the body of a request to a path may be, where that is not as everywhere. */
  readonly maxBytes?: (path: string) => number | undefined;
}

/**
 * How long a connection may lie idle, as long as Google's front end lets it. With Node's five seconds a client that keeps its connections and
 * asks again after that long loses some of its requests: it sends them while the server hangs up.
 */
const KEEP_ALIVE_MS = 600_000;

/** A server that is not listening yet: connections are handed to it. The first handler that knows a request answers it. */
export function createHttpServer(handlers: readonly HttpHandler[], options: HttpServerOptions): Server {
  return createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, outgoing) => {
    void reply(incoming, handlers, options).then((answer) => send(answer, incoming, outgoing));
  });
}

/** A JSON answer. */
export function jsonReply(value: unknown, status = 200): HttpReply {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: JSON.stringify(value),
  };
}

/** The JSON that Google's services answer errors with. */
export function errorReply(error: ApiError): HttpReply {
  const status = httpStatusOf(error.code);
  const details = error.details.map((detail) => ({
    '@type': `type.googleapis.com/${detail.type}`,
    ...detail.value,
  }));
  const body = {
    code: status,
    message: error.message,
    status: error.code,
    ...(details.length > 0 && { details }),
  };
  return jsonReply({ error: body }, status);
}

async function reply(
  incoming: IncomingMessage,
  handlers: readonly HttpHandler[],
  { reportDefect, publicUrl, maxBytes }: HttpServerOptions,
): Promise<HttpReply> {
  try {
    refuseWebPages(incoming.headers, publicUrl);
    const request = await readRequest(incoming, maxBytes);
    for (const handler of handlers) {
      const answer = await handler(request);
      if (answer !== undefined) return answer;
    }
    throw new ApiError('NOT_FOUND', `No method is served at ${request.method} ${request.path}.`);
  } catch (error) {
    return errorReply(toApiError(error, reportDefect));
  }
}

async function readRequest(
  incoming: IncomingMessage,
  maxBytes: HttpServerOptions['maxBytes'],
): Promise<HttpRequest> {
  const target = incoming.url ?? '/';
  const queryAt = target.indexOf('?');
  const path = queryAt === -1 ? target : target.slice(0, queryAt);
  return {
    method: incoming.method ?? 'GET',
    path,
    query: new URLSearchParams(queryAt === -1 ? '' : target.slice(queryAt + 1)),
    headers: incoming.headers,
    body: await readBody(incoming, maxBytes?.(path) ?? MAX_REQUEST_BYTES),
  };
}

/** By events: an iterator over a stream costs more than all else that a small request does here. */
async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const tooLong = (): ApiError =>
    new ApiError('INVALID_ARGUMENT', `Request payload size exceeds the limit: ${maxBytes} bytes.`);
  // Who says how long it is need not send it.
  if (Number(incoming.headers['content-length']) > maxBytes) throw tooLong();
  let size = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= maxBytes) return chunks.push(chunk);
    // The connection stays for the answer.
    incoming.pause();
    return reject(tooLong());
  });
  incoming.once('end', resolve);
  // Nobody will read this; and it is no defect.
  const brokenOff = (reason: string): ApiError => new ApiError('ABORTED', `The client broke off: ${reason}.`);
  incoming.once('error', ({ message }) => reject(brokenOff(message)));
  incoming.once('close', () => {
    if (!incoming.complete) reject(brokenOff('the connection was closed'));
  });
  await promise;
  return Buffer.concat(chunks, size);
}

function send(answer: HttpReply, incoming: IncomingMessage, outgoing: ServerResponse): void {
  // A body that was not read to its end cannot be followed by another request.
  const isUnread = !incoming.complete;
  if (typeof answer.body !== 'string') {
    outgoing.writeHead(answer.status, { ...answer.headers, connection: 'close' });
    if (incoming.method === 'HEAD') outgoing.end();
    else answer.body(outgoing);
    return;
  }
  outgoing.writeHead(answer.status, {
    ...answer.headers,
    // Head and body leave in one piece, rather than the body in chunks.
    'content-length': Buffer.byteLength(answer.body),
    ...(isUnread && { connection: 'close' }),
  });
  outgoing.end(incoming.method === 'HEAD' ? undefined : answer.body);
}
