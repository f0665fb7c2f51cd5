import { once } from 'node:events';
import {
  connect,
  constants,
  createServer,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';

/** A way to a gRPC server on which every call is seen and counted. */
export interface CountingProxy extends AsyncDisposable {
  /** `host:port`, to be given to a client in the server's place. */
  readonly host: string;
  /** How often each method has been called, by its name, since the counts were taken last. */
  takeCounts(): Record<string, number>;
}

/** @param target `host:port` of a gRPC server without TLS */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const counts = new Map<string, number>();
  const upstream = connect(`http://${target}`);
  await once(upstream, 'connect');
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('stream', (from, headers) => {
    const method = String(headers[':path']).split('/').at(-1) ?? '';
    counts.set(method, (counts.get(method) ?? 0) + 1);
    forward(from, upstream.request(headers));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    takeCounts() {
      const taken = Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      counts.clear();
      return taken;
    },
    async [Symbol.asyncDispose]() {
      upstream.destroy();
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

function forward(from: ServerHttp2Stream, to: ClientHttp2Stream): void {
  let trailers: IncomingHttpHeaders = {};
  to.on('response', (headers, flags) => {
    // An error without a message is headers alone.
    const isEnd = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    if (from.destroyed) return;
    from.respond(headers, isEnd ? { endStream: true } : { waitForTrailers: true });
  });
  to.on('trailers', (last) => (trailers = last));
  from.on('wantTrailers', () => from.sendTrailers(trailers));
  from.on('close', () => to.close(from.rstCode));
  to.on('close', () => to.rstCode !== constants.NGHTTP2_NO_ERROR && from.close(to.rstCode));
  // Whoever breaks off tells by its code, which is passed on.
  from.on('error', () => {});
  to.on('error', () => {});
  from.pipe(to);
  to.pipe(from);
}
