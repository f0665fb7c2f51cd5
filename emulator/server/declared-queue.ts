import type { QueueInput } from '../core/input.ts';
import type { Queue, QueueState } from '../core/model.ts';
import { shortId } from '../core/names.ts';
import { messageFromJson } from './json-decode.ts';
import { messageToJson } from './json-encode.ts';
import { queueFromProto, queueToProto } from './messages/queue.ts';
import { queueV2Beta3Type } from './schema.ts';

/** A queue as the API's own JSON has it, its name being an id. */
export interface QueueSettings {
  readonly name: string;
  readonly rateLimits?: object | undefined;
  readonly retryConfig?: object | undefined;
  /** RUNNING unless given. */
  readonly state?: QueueState | undefined;
  /** PUSH unless given; settled when the queue is created. */
  readonly type?: 'PUSH' | 'PULL' | undefined;
  readonly taskTtl?: string | undefined;
  readonly tombstoneTtl?: string | undefined;
  readonly stackdriverLoggingConfig?: object | undefined;
  readonly appEngineRoutingOverride?: object | undefined;
  readonly httpTarget?: object | undefined;
}

/** A queue that somebody wants to be there. */
export interface DeclaredQueue {
  readonly input: QueueInput & { readonly name: string };
  /** RUNNING for a new queue, and as it is for another, unless given. */
  readonly state: QueueState | undefined;
}

/** @throws ApiError INVALID_ARGUMENT */
export function declaredQueue(
  { name: id, state, ...settings }: QueueSettings,
  location: string,
): DeclaredQueue {
  const json = JSON.parse(JSON.stringify(settings)) as object;
  const { appEngineRoutingOverride: routing, ...rest } = json as { appEngineRoutingOverride?: object };
  const written = { ...rest, ...(routing && { appEngineHttpQueue: { appEngineRoutingOverride: routing } }) };
  const { appEngineHttpQueue, ...message } = messageFromJson(queueV2Beta3Type, written, { path: 'queue' });
  const name = `${location}/queues/${id}`;
  return { input: { ...queueFromProto({ ...message, ...(appEngineHttpQueue as object) }), name }, state };
}

/** The queue as it would be declared: all but when it was purged, and who may use it. */
export function settingsOf(queue: Queue): QueueSettings {
  const { purgeTime: _, appEngineRoutingOverride, ...message } = queueToProto(queue);
  const json = messageToJson(queueV2Beta3Type, message, { enumsAsNumbers: false }) as object;
  return {
    ...json,
    name: shortId(queue.name),
    ...(appEngineRoutingOverride && { appEngineRoutingOverride }),
  };
}
