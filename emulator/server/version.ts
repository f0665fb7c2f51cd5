import type protobuf from 'protobufjs';
import type { Engine } from '../engine/engine.ts';
import type { QueueMessage } from './messages/queue.ts';
import type { TaskMessage } from './messages/task.ts';
import type { Rpc } from './rpc.ts';
import type { Plain } from './schema.ts';

/** How a version of the API says what all of them mean: its own messages to and from the common ones. */
export interface Version {
  readonly service: protobuf.Service;
  readonly restVersions: readonly string[];
  readonly queueFrom: (message: Plain) => QueueMessage;
  readonly queueTo: (message: QueueMessage) => Plain;
  readonly taskFrom: (message: Plain) => TaskMessage;
  readonly taskTo: (message: TaskMessage) => Plain;
  /** The methods that no other version has. */
  readonly ownRpcs?: (engine: Engine) => Readonly<Record<string, Rpc>>;
  /** A path of an update mask in the common messages' terms. */
  readonly maskPath: (path: string) => string;
}
