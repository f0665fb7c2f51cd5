import { Server, ServerCredentials } from '@grpc/grpc-js';
import type {
  sendUnaryData,
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { Socket } from 'node:net';
import { setTimeout as passTime } from 'node:timers/promises';
import type protobuf from 'protobufjs';
import type { Call } from '../core/production-rules.ts';
import { toStatus } from './grpc-status.ts';
import { streamHandler } from './grpc-stream.ts';
import { httpRulesOf } from './http-rule.ts';
import { MAX_REQUEST_BYTES } from './http.ts';
import type { ReportDefect, Rpc, Surface } from './rpc.ts';
import { unimplemented } from './rpc.ts';
import { camelCase, encodeMessage, fullNameOf, readMessage } from './schema.ts';
import type { Plain } from './schema.ts';
import { toApiError } from './status.ts';

/** What a call says beside its message. Throws to refuse it. */
export type CallCheck = (rpc: string, call: Call) => void;

export interface GrpcServerOptions {
  readonly reportDefect: ReportDefect;
  /** Looks at each call of Cloud Tasks' own services. */
  readonly checkCall: CallCheck;
}

/** How long open streams have to take their last messages when the server closes. */
const CLOSE_GRACE_MS = 1000;

/** Serves the services over gRPC. It listens nowhere by itself: connections are handed to it. */
export class GrpcServer {
  readonly #server = new Server({ 'grpc.max_receive_message_length': MAX_REQUEST_BYTES });
  readonly #connections = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  readonly #open = new Set<Socket>();
  readonly #closing = new AbortController();

  constructor(surfaces: readonly Surface[], options: GrpcServerOptions) {
    for (const surface of surfaces) this.#add(surface, options);
  }

  /** Speaks HTTP/2 with a client that has just connected. */
  accept(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    this.#connections.injectConnection(socket);
  }

  /** Takes no more calls, ends the open streams, and cuts off what has not ended within a second. */
  async close(): Promise<void> {
    this.#closing.abort();
    const ended = Promise.all([...this.#open].map(untilClosed));
    // It calls back before the connections have ended (Node closes them first, and it takes that for the end).
    this.#server.tryShutdown(() => {});
    const grace = new AbortController();
    await Promise.race([ended, passTime(CLOSE_GRACE_MS, undefined, { signal: grace.signal })]);
    grace.abort();
    this.#server.forceShutdown();
  }

  #add({ service, rpcs, streams = {} }: Surface, options: GrpcServerOptions): void {
    const definition: Record<string, ServiceDefinition[string]> = {};
    const implementation: UntypedServiceImplementation = {};
    const checkCall = fullNameOf(service).startsWith('google.cloud.tasks.') ? options.checkCall : () => {};
    for (const rpc of service.methodsArray) {
      const stream = streams[rpc.name];
      const isStream = stream !== undefined;
      definition[rpc.name] = {
        path: `/${fullNameOf(service)}/${rpc.name}`,
        requestStream: isStream,
        responseStream: isStream,
        // The bytes pass through: what cannot be read is answered by the handler, as INVALID_ARGUMENT.
        requestSerialize: passBytes,
        requestDeserialize: passBytes,
        responseSerialize: passBytes,
        responseDeserialize: passBytes,
      };
      const run = rpcs[rpc.name] ?? (() => unimplemented(rpc.name));
      implementation[rpc.name] = isStream
        ? streamHandler(rpc, stream, { ...options, closing: this.#closing.signal })
        : unaryHandler(rpc, run, { ...options, checkCall });
    }
    this.#server.addService(definition, implementation);
  }
}

type UnaryHandler = (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => void;

function unaryHandler(
  rpc: protobuf.Method,
  run: Rpc,
  { reportDefect, checkCall }: GrpcServerOptions,
): UnaryHandler {
  const requestType = rpc.resolvedRequestType as protobuf.Type;
  const responseType = rpc.resolvedResponseType as protobuf.Type;
  const field = routingFieldOf(rpc);
  return (call, respond) => {
    try {
      const request = readMessage(requestType, call.request);
      checkCall(rpc.name, callOf(call, field, request));
      respond(null, encodeMessage(responseType, run(request)));
    } catch (error) {
      respond(toStatus(toApiError(error, reportDefect)));
    }
  };
}

function callOf(call: ServerUnaryCall<Buffer, Buffer>, field: string | undefined, request: Plain): Call {
  return {
    traceparent: call.metadata.get('traceparent')[0]?.toString(),
    requestParams: call.metadata.get('x-goog-request-params')[0]?.toString(),
    routing: field === undefined ? undefined : { field, value: textAt(request, field) },
    deadlineAt: Number(call.getDeadline()),
  };
}

/** The field of the request that the RPC's path begins with, which names the resource that is asked for. */
function routingFieldOf(rpc: protobuf.Method): string | undefined {
  return /\{([^}=]+)/.exec(httpRulesOf(rpc)[0]?.template ?? '')?.[1];
}

function textAt(request: Plain, path: string): string {
  let value: unknown = request;
  for (const name of path.split('.')) value = (value as Plain | undefined)?.[camelCase(name)];
  return typeof value === 'string' ? value : '';
}

async function untilClosed(socket: Socket): Promise<void> {
  await new Promise((resolve) => {
    socket.once('close', resolve);
  });
}

function passBytes(bytes: Buffer): Buffer {
  return bytes;
}
