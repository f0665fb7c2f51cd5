import type { Socket } from 'node:net';
import type { GrpcServer, GrpcServerOptions } from './grpc.ts';
import type { Surface } from './rpc.ts';

/** gRPC, and its reflection, loaded when the first client speaks it: many runs are REST's alone, and it is a good part of a start. */
export class GrpcOnDemand {
  readonly #surfaces: readonly Surface[];
  readonly #options: GrpcServerOptions;
  #server: Promise<GrpcServer> | undefined;
  #isClosed = false;

  constructor(surfaces: readonly Surface[], options: GrpcServerOptions) {
    this.#surfaces = surfaces;
    this.#options = options;
  }

  /** Speaks HTTP/2 with a client that has just connected. Its socket must be paused. Never rejects. */
  async accept(socket: Socket): Promise<void> {
    try {
      this.#server ??= this.#load();
      const server = await this.#server;
      if (this.#isClosed || socket.destroyed) socket.destroy();
      else server.accept(socket);
    } catch (error) {
      // The next client has it loaded again.
      this.#server = undefined;
      socket.destroy();
      this.#options.reportDefect(error);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#server)?.close();
  }

  async #load(): Promise<GrpcServer> {
    const [{ GrpcServer: Server }, { grpcReflection }] = await Promise.all([
      import('./grpc.ts'),
      import('./grpc-reflection.ts'),
    ]);
    return new Server([...this.#surfaces, ...grpcReflection(this.#surfaces)], this.#options);
  }
}
