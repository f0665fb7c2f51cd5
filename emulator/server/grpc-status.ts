import { Metadata, status as codes } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import type { ApiError } from '../core/errors.ts';
import { encodeMessage, rpcType } from './schema.ts';

/** Text and details travel in trailers, for which clients hold some KiB ready; past that they would see a broken stream. */
const MAX_MESSAGE_LENGTH = 2048;
const MAX_DETAILS_BYTES = 4096;

/** An error as gRPC carries it. */
export function toStatus(error: ApiError): Partial<StatusObject> {
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
