import type { protos } from '@google-cloud/tasks';
import type { Engine } from '../engine/engine.ts';
import { maskPathsFromProto } from './messages/field-mask.ts';
import { queueFromProto, queueToProto } from './messages/queue.ts';
import { taskFromProto, taskToProto, viewFromProto } from './messages/task.ts';
import type { Rpc, Surface } from './rpc.ts';
import { cloudTasksV2Service } from './schema.ts';

type V2 = typeof protos.google.cloud.tasks.v2;
type RequestOf<Name extends keyof V2> = V2[Name] extends { create(properties?: infer Properties): unknown }
  ? NonNullable<Properties>
  : never;

/** `google.cloud.tasks.v2.CloudTasks` over the engine. */
export function cloudTasksV2(engine: Engine): Surface {
  return {
    service: cloudTasksV2Service,
    // firebase-admin leaves the version out when CLOUD_TASKS_EMULATOR_HOST is set.
    restVersions: ['/v2', ''],
    rpcs: { ...queueRpcs(engine), ...taskRpcs(engine) },
  };
}

function queueRpcs(engine: Engine): Record<string, Rpc> {
  return {
    ListQueues: rpc<'ListQueuesRequest'>((request) => {
      const page = engine.queues.list(request.parent ?? '', pageOf(request));
      return { queues: page.queues.map(queueToProto), nextPageToken: page.nextPageToken ?? '' };
    }),
    GetQueue: rpc<'GetQueueRequest'>(({ name }) => queueToProto(engine.queues.get(name ?? ''))),
    CreateQueue: rpc<'CreateQueueRequest'>(({ parent, queue }) =>
      queueToProto(engine.queues.create(parent ?? '', queueFromProto(queue))),
    ),
    UpdateQueue: rpc<'UpdateQueueRequest'>(({ queue, updateMask }) =>
      queueToProto(engine.queues.update(queueFromProto(queue), maskPathsFromProto(updateMask))),
    ),
    DeleteQueue: rpc<'DeleteQueueRequest'>(({ name }) => {
      engine.queues.delete(name ?? '');
      return {};
    }),
    PurgeQueue: rpc<'PurgeQueueRequest'>(({ name }) => queueToProto(engine.queues.purge(name ?? ''))),
    PauseQueue: rpc<'PauseQueueRequest'>(({ name }) => queueToProto(engine.queues.pause(name ?? ''))),
    ResumeQueue: rpc<'ResumeQueueRequest'>(({ name }) => queueToProto(engine.queues.resume(name ?? ''))),
  };
}

function taskRpcs(engine: Engine): Record<string, Rpc> {
  return {
    ListTasks: rpc<'ListTasksRequest'>((request) => {
      const view = viewFromProto(request.responseView);
      const page = engine.tasks.list(request.parent ?? '', pageOf(request));
      return {
        tasks: page.tasks.map((task) => taskToProto(task, view)),
        nextPageToken: page.nextPageToken ?? '',
      };
    }),
    GetTask: rpc<'GetTaskRequest'>(({ name, responseView }) => {
      const view = viewFromProto(responseView);
      return taskToProto(engine.tasks.get(name ?? ''), view);
    }),
    CreateTask: rpc<'CreateTaskRequest'>(({ parent, task, responseView }) => {
      const view = viewFromProto(responseView);
      return taskToProto(engine.tasks.create(parent ?? '', taskFromProto(task)), view);
    }),
    DeleteTask: rpc<'DeleteTaskRequest'>(({ name }) => {
      engine.tasks.delete(name ?? '');
      return {};
    }),
    RunTask: rpc<'RunTaskRequest'>(({ name, responseView }) => {
      const view = viewFromProto(responseView);
      return taskToProto(engine.tasks.run(name ?? ''), view);
    }),
  };
}

/** Gives an implementation its request's type: both adapters hand over plain objects that are read by that very type. */
function rpc<Name extends keyof V2>(run: (request: RequestOf<Name>) => object): Rpc {
  return run as Rpc;
}

function pageOf(request: { pageSize?: number | null; pageToken?: string | null }): {
  pageSize: number | undefined;
  pageToken: string | undefined;
} {
  return { pageSize: request.pageSize || undefined, pageToken: request.pageToken || undefined };
}
