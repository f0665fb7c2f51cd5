import type { ServerDuplexStream } from '@grpc/grpc-js';
import { once } from 'node:events';
import type protobuf from 'protobufjs';
import { ApiError } from '../core/errors.ts';
import { toStatus } from './grpc-status.ts';
import type { ReportDefect, StreamRpc } from './rpc.ts';
import { encodeMessage, readMessage } from './schema.ts';
import type { Plain } from './schema.ts';
import { toApiError } from './status.ts';

export type StreamHandler = (call: ServerDuplexStream<Buffer, Buffer>) => void;

export interface StreamOptions {
  readonly reportDefect: ReportDefect;
  /** Aborted when the server closes. */
  readonly closing: AbortSignal;
}

/**
 * Serves an RPC whose answers are a stream. (On the wire, one request is a stream of one.) A client that does not read its answers is
 * not read from either. When the server closes, the requests end, the answers that still come are sent, and the status is UNAVAILABLE.
 */
export function streamHandler(
  rpc: protobuf.Method,
  run: StreamRpc,
  { reportDefect, closing }: StreamOptions,
): StreamHandler {
  const requestType = rpc.resolvedRequestType as protobuf.Type;
  const responseType = rpc.resolvedResponseType as protobuf.Type;
  return (call) => {
    const gone = new AbortController();
    const endRequests = (): void => void call.push(null);
    call.once('close', () => {
      closing.removeEventListener('abort', endRequests);
      gone.abort();
    });
    closing.addEventListener('abort', endRequests);
    const answers = run(requestsOf(call, requestType), AbortSignal.any([closing, gone.signal]));
    const sendAll = async (): Promise<void> => {
      for await (const answer of answers) {
        const hasRoom = call.write(encodeMessage(responseType, answer));
        if (!hasRoom) await once(call, 'drain', { signal: gone.signal });
      }
      if (closing.aborted) throw new ApiError('UNAVAILABLE', 'The emulator is closing.');
      call.end();
    };
    sendAll().catch((error: unknown) => {
      // Nobody is there any more to be told.
      if (gone.signal.aborted || call.destroyed) return;
      call.emit('error', toStatus(toApiError(error, reportDefect)));
    });
  };
}

async function* requestsOf(
  call: ServerDuplexStream<Buffer, Buffer>,
  type: protobuf.Type,
): AsyncGenerator<Plain> {
  // That the requests have ended must not end the answers.
  for await (const bytes of call.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    yield readMessage(type, bytes);
  }
}
