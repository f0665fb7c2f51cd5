import type protobuf from 'protobufjs';
import { ApiError } from '../core/errors.ts';
import type { HttpRule } from './http-rule.ts';
import type { Plain } from './schema.ts';

/** What one RPC does. Faults leave it as `ApiError`; anything else that it throws is a defect of the emulator. */
export type Rpc = (request: Plain) => Plain;

/**
 * An RPC that answers with any number of messages, over gRPC only. `ended` is aborted when the client has gone or the server closes;
 * it must return then.
 */
export type StreamRpc = (requests: AsyncIterable<Plain>, ended: AbortSignal) => AsyncIterable<Plain>;

/** One protobuf service with its implementation. The gRPC and REST adapters serve what this describes. */
export interface Surface {
  readonly service: protobuf.Service;
  /**
   * Leading path segments under which REST serves it, in place of the one that its annotations name: `/v2`, or the empty
   * string for a client that leaves the version out.
   */
  readonly restVersions: readonly string[];
  /** Where REST serves an RPC whose annotation does not say so, or says something else. */
  readonly httpRules?: Readonly<Record<string, readonly HttpRule[]>>;
  /** By RPC name. An RPC of the service that is missing here answers UNIMPLEMENTED. */
  readonly rpcs: Readonly<Record<string, Rpc>>;
  /** Those that answer with a stream. */
  readonly streams?: Readonly<Record<string, StreamRpc>>;
}

/** Told of each error that is a defect of the emulator rather than a fault of the caller. */
export type ReportDefect = (error: unknown) => void;

/** The answer of an RPC that the protos declare and the emulator does not serve. */
export function unimplemented(rpc: string): never {
  throw new ApiError('UNIMPLEMENTED', `The emulator does not implement ${rpc}.`);
}
