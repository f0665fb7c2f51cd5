import type { Server as HttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { GrpcOnDemand } from './grpc-on-demand.ts';

/** What every HTTP/2 connection begins with when the client knows beforehand that the server speaks it, as gRPC clients do. */
const HTTP2_PREFACE = Buffer.from('PRI * HTTP/2.0');

export interface Protocols {
  readonly grpc: GrpcOnDemand;
  readonly http: HttpServer;
}

/** One port for both protocols: a connection that begins with the HTTP/2 preface goes to gRPC, any other to HTTP/1.1. */
export class Port implements AsyncDisposable {
  readonly number: number;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #protocols: Protocols | undefined;
  #closing: Promise<void> | undefined;

  private constructor(server: Server) {
    this.#server = server;
    this.number = (server.address() as AddressInfo).port;
  }

  /**
   * Takes the port. `serve` must follow before anything else is awaited.
   *
   * @param address port 0 takes any that is free
   * @throws the system's error, with `code` EADDRINUSE, EACCES or EADDRNOTAVAIL, where the address cannot be had
   */
  static async take(address: { readonly host: string; readonly port: number }): Promise<Port> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ ...address, exclusive: true }, resolve);
    });
    return new Port(server);
  }

  /** Hands every connection to the server of its protocol. */
  serve(protocols: Protocols): void {
    this.#protocols = protocols;
    this.#server.on('connection', (socket) => {
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
      // A client that breaks off is its own problem.
      socket.on('error', () => socket.destroy());
      route(socket, {
        http2: () => void protocols.grpc.accept(socket),
        http1: () => protocols.http.emit('connection', socket),
      });
    });
  }

  /** Takes no more connections and ends those that are open. Closing twice is the same as once. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = new Promise((resolve) => {
      this.#server.close(resolve);
    });
    await this.#protocols?.grpc.close();
    for (const socket of this.#open) socket.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Reads as much as tells the protocols apart, puts it back, and hands the connection over. */
function route(socket: Socket, to: { readonly http2: () => void; readonly http1: () => void }): void {
  let seen = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, HTTP2_PREFACE.length);
    const isHttp2 = seen.subarray(0, length).equals(HTTP2_PREFACE.subarray(0, length));
    if (isHttp2 && length < HTTP2_PREFACE.length) return;
    socket.off('data', onData);
    socket.pause();
    socket.unshift(seen);
    // An HTTP/2 session reads what was put back by itself; resuming the stream would take it away.
    if (isHttp2) return to.http2();
    to.http1();
    socket.resume();
  };
  socket.on('data', onData);
}
