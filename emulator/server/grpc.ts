import { Metadata, Server, status as codes } from '@grpc/grpc-js';
import type { sendUnaryData, ServerUnaryCall, ServiceDefinition, StatusObject } from '@grpc/grpc-js';
import type protobuf from 'protobufjs';
import { ApiError } from '../core/errors.ts';
import type { Call } from '../core/production-rules.ts';
import { addReflection } from './grpc-reflection.ts';
import { MAX_REQUEST_BYTES } from './http.ts';
import type { ReportDefect, Rpc, Surface } from './rpc.ts';
import { unimplemented } from './rpc.ts';
import { decodeMessage, encodeMessage, fullNameOf, rpcType } from './schema.ts';
import type { Plain } from './schema.ts';
import { toApiError } from './status.ts';

/** What a call says beside its message. Throws to refuse it. */
export type CallCheck = (rpc: string, call: Call) => void;

export interface GrpcServerOptions {
  readonly reportDefect: ReportDefect;
  /** Looks at each call of Cloud Tasks' own services. */
  readonly checkCall: CallCheck;
}

/** Serves the services over gRPC. The server listens nowhere by itself: connections are injected. */
export function createGrpcServer(
  surfaces: readonly Surface[],
  { reportDefect, checkCall }: GrpcServerOptions,
): Server {
  const server = new Server({ 'grpc.max_receive_message_length': MAX_REQUEST_BYTES });
  for (const { service, rpcs } of surfaces) {
    const definition: Record<string, ServiceDefinition[string]> = {};
    const implementation: Record<string, UnaryHandler> = {};
    for (const rpc of service.methodsArray) {
      definition[rpc.name] = {
        path: `/${fullNameOf(service)}/${rpc.name}`,
        requestStream: false,
        responseStream: false,
        // The bytes pass through: what cannot be read is answered by the handler, as INVALID_ARGUMENT.
        requestSerialize: passBytes,
        requestDeserialize: passBytes,
        responseSerialize: passBytes,
        responseDeserialize: passBytes,
      };
      const run = rpcs[rpc.name] ?? (() => unimplemented(rpc.name));
      const check = fullNameOf(service).startsWith('google.cloud.tasks.') ? checkCall : () => {};
      implementation[rpc.name] = handlerOf(rpc, run, { reportDefect, checkCall: check });
    }
    server.addService(definition, implementation);
  }
  addReflection(
    server,
    surfaces.map(({ service }) => service),
  );
  return server;
}

type UnaryHandler = (call: ServerUnaryCall<Buffer, Buffer>, respond: sendUnaryData<Buffer>) => void;

function handlerOf(
  rpc: protobuf.Method,
  run: Rpc,
  { reportDefect, checkCall }: GrpcServerOptions,
): UnaryHandler {
  const requestType = rpc.resolvedRequestType as protobuf.Type;
  const responseType = rpc.resolvedResponseType as protobuf.Type;
  return (call, respond) => {
    try {
      checkCall(rpc.name, callOf(call));
      respond(null, encodeMessage(responseType, run(readMessage(requestType, call.request))));
    } catch (error) {
      respond(toStatus(toApiError(error, reportDefect)));
    }
  };
}

function callOf(call: ServerUnaryCall<Buffer, Buffer>): Call {
  return {
    requestParams: call.metadata.get('x-goog-request-params')[0]?.toString(),
    deadlineAt: Number(call.getDeadline()),
  };
}

function readMessage(type: protobuf.Type, bytes: Buffer): Plain {
  try {
    return decodeMessage(type, bytes);
  } catch (cause) {
    throw new ApiError(
      'INVALID_ARGUMENT',
      `The request is no valid ${fullNameOf(type)}: ${(cause as Error).message}.`,
    );
  }
}

/** Text and details travel in trailers, for which clients hold some KiB ready; past that they would see a broken stream. */
const MAX_MESSAGE_LENGTH = 2048;
const MAX_DETAILS_BYTES = 4096;

function toStatus(error: ApiError): Partial<StatusObject> {
  const code = codes[error.code];
  const message = error.message.slice(0, MAX_MESSAGE_LENGTH);
  const metadata = new Metadata();
  if (error.details.length > 0) {
    const details = error.details.map(({ type, value }) => ({
      type_url: `type.googleapis.com/${type}`,
      value: encodeMessage(rpcType(type), value),
    }));
    const status = encodeMessage(rpcType('google.rpc.Status'), { code, message, details });
    if (status.length <= MAX_DETAILS_BYTES) metadata.set('grpc-status-details-bin', status);
  }
  return { code, details: message, metadata };
}

function passBytes(bytes: Buffer): Buffer {
  return bytes;
}
