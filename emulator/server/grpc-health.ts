import { entityNotFound } from '../core/faults.ts';
import { serviceOf } from './own-proto.ts';
import type { OwnProto } from './own-proto.ts';
import type { StreamRpc, Surface } from './rpc.ts';
import { fullNameOf } from './schema.ts';

export const healthProto: OwnProto = {
  name: 'grpc/health/v1/health.proto',
  text: `
    syntax = "proto3";
    package grpc.health.v1;
    message HealthCheckRequest { string service = 1; }
    message HealthCheckResponse {
      enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
      ServingStatus status = 1;
    }
    message HealthListRequest {}
    message HealthListResponse { map<string, HealthCheckResponse> statuses = 1; }
    service Health {
      rpc Check(HealthCheckRequest) returns (HealthCheckResponse);
      rpc List(HealthListRequest) returns (HealthListResponse);
      rpc Watch(HealthCheckRequest) returns (stream HealthCheckResponse);
    }
  `,
};

/** `grpc.health.v1.Health` for these services and, by the empty name, for the server as a whole. It listens only once it is ready. */
export function grpcHealth(surfaces: readonly Surface[]): Surface {
  const known = new Set(['', ...surfaces.map(({ service }) => fullNameOf(service))]);
  return {
    service: serviceOf(healthProto),
    restVersions: [],
    rpcs: {
      Check: ({ service = '' }) => {
        if (!known.has(String(service))) throw entityNotFound();
        return { status: 'SERVING' };
      },
      List: () => ({ statuses: Object.fromEntries([...known].map((name) => [name, { status: 'SERVING' }])) }),
    },
    streams: { Watch: watchOf(known) },
  };
}

/** Tells the state now, and once more when the server closes. Services come and go with the server, so a name stays unknown. */
function watchOf(known: ReadonlySet<string>): StreamRpc {
  return async function* (requests, ended) {
    for await (const { service = '' } of requests) {
      const isKnown = known.has(String(service));
      yield { status: isKnown ? 'SERVING' : 'SERVICE_UNKNOWN' };
      await untilAborted(ended);
      if (isKnown) yield { status: 'NOT_SERVING' };
      return;
    }
  };
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });
}
