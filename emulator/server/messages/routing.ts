import type { protos } from '@google-cloud/tasks';
import type { AppEngineRouting } from '../../core/model.ts';

type RoutingMessage = protos.google.cloud.tasks.v2.IAppEngineRouting;

/** Undefined where nothing is given: on the wire an empty string is the same as none. */
export function routingFromProto(message: RoutingMessage | null | undefined): AppEngineRouting | undefined {
  if (message === null || message === undefined) return undefined;
  const { service, version, instance, host } = message;
  return {
    ...(service && { service }),
    ...(version && { version }),
    ...(instance && { instance }),
    ...(host && { host }),
  };
}

export function routingToProto(routing: AppEngineRouting): RoutingMessage {
  return { ...routing };
}
