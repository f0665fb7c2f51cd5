import protobuf from 'protobufjs';
import { entityNotFound } from '../core/faults.ts';
import type { Surface } from './rpc.ts';
import { fullNameOf } from './schema.ts';

/** The part of `grpc/health/v1/health.proto` that is served: `Check`, which is what probes call. */
const HEALTH_PROTO = `
  syntax = "proto3";
  package grpc.health.v1;
  message HealthCheckRequest { string service = 1; }
  message HealthCheckResponse {
    enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
    ServingStatus status = 1;
  }
  service Health { rpc Check(HealthCheckRequest) returns (HealthCheckResponse); }
`;

const healthService: protobuf.Service = protobuf
  .parse(HEALTH_PROTO)
  .root.resolveAll()
  .lookupService('grpc.health.v1.Health');

/** `grpc.health.v1.Health` for these services and, by the empty name, for the server as a whole. It listens only once it is ready. */
export function grpcHealth(surfaces: readonly Surface[]): Surface {
  const known = new Set(['', ...surfaces.map(({ service }) => fullNameOf(service))]);
  return {
    service: healthService,
    restVersions: [],
    rpcs: {
      Check: ({ service = '' }) => {
        if (!known.has(String(service))) throw entityNotFound();
        return { status: 'SERVING' };
      },
    },
  };
}
