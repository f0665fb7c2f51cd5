import type { protos } from '@google-cloud/tasks';
import { parseFilter, satisfies } from '../core/filter.ts';
import type { Queue, Task } from '../core/model.ts';
import type { Engine } from '../engine/engine.ts';
import type { QueueFilter } from '../engine/queues.ts';
import { batchRpcs } from './batch-rpcs.ts';
import { iamRpcs } from './iam-rpcs.ts';
import { maskPathsFromProto } from './messages/field-mask.ts';
import { queueFromProto, queueToProto } from './messages/queue.ts';
import { readMasked } from './messages/read-mask.ts';
import { taskFromProto, taskToProto, viewFromProto } from './messages/task.ts';
import type { Operations } from './operations.ts';
import type { Rpc, Surface } from './rpc.ts';
import type { Plain } from './schema.ts';
import type { Version } from './version.ts';

type Beta = typeof protos.google.cloud.tasks.v2beta3;
type RequestOf<Name extends keyof Beta> = Beta[Name] extends {
  create(properties?: infer Properties): unknown;
}
  ? NonNullable<Properties>
  : never;

/** One implementation of `CloudTasks`, in the words of one version. */
export function cloudTasks(engine: Engine, version: Version, operations: Operations): Surface {
  const { service, restVersions } = version;
  return {
    service,
    restVersions,
    rpcs: {
      ...queueRpcs(engine, version),
      ...taskRpcs(engine, version),
      ...iamRpcs(engine),
      ...batchRpcs(engine, version, operations),
      ...version.ownRpcs?.(engine),
    },
  };
}

function queueRpcs(engine: Engine, version: Version): Record<string, Rpc> {
  const input = (message: object | null | undefined) => queueFromProto(version.queueFrom(plain(message)));
  const output = (queue: Queue): Plain => version.queueTo(queueToProto(queue));
  const masked = (queue: Queue, mask: RequestOf<'GetQueueRequest'>['readMask']): Plain =>
    readMasked(output(queue), mask, () => engine.queues.stats(queue.name));
  return {
    ListQueues: rpc<'ListQueuesRequest'>((request) => {
      const filter = filterOf(request.filter ?? '', output);
      const page = engine.queues.list(request.parent ?? '', pageOf(request), filter);
      return {
        queues: page.queues.map((queue) => masked(queue, request.readMask)),
        nextPageToken: page.nextPageToken ?? '',
      };
    }),
    GetQueue: rpc<'GetQueueRequest'>(({ name, readMask }) => masked(engine.queues.get(name ?? ''), readMask)),
    CreateQueue: rpc<'CreateQueueRequest'>(({ parent, queue }) =>
      output(engine.queues.create(parent ?? '', input(queue))),
    ),
    UpdateQueue: rpc<'UpdateQueueRequest'>(({ queue, updateMask }) => {
      const paths = maskPathsFromProto(updateMask)?.map(version.maskPath);
      return output(engine.queues.update(input(queue), paths));
    }),
    DeleteQueue: rpc<'DeleteQueueRequest'>(({ name }) => {
      engine.queues.delete(name ?? '');
      return {};
    }),
    PurgeQueue: rpc<'PurgeQueueRequest'>(({ name }) => output(engine.queues.purge(name ?? ''))),
    PauseQueue: rpc<'PauseQueueRequest'>(({ name }) => output(engine.queues.pause(name ?? ''))),
    ResumeQueue: rpc<'ResumeQueueRequest'>(({ name }) => output(engine.queues.resume(name ?? ''))),
  };
}

function taskRpcs(engine: Engine, version: Version): Record<string, Rpc> {
  const answer = (responseView: string | number | null | undefined, run: () => Task): Plain => {
    // A bad view is refused before anything happens.
    const view = viewFromProto(responseView);
    return version.taskTo(taskToProto(run(), view));
  };
  return {
    ListTasks: rpc<'ListTasksRequest'>((request) => {
      const view = viewFromProto(request.responseView);
      const page = engine.tasks.list(request.parent ?? '', pageOf(request));
      return {
        tasks: page.tasks.map((task) => version.taskTo(taskToProto(task, view))),
        nextPageToken: page.nextPageToken ?? '',
      };
    }),
    GetTask: rpc<'GetTaskRequest'>(({ name, responseView }) =>
      answer(responseView, () => engine.tasks.get(name ?? '')),
    ),
    CreateTask: rpc<'CreateTaskRequest'>(({ parent, task, responseView }) =>
      answer(responseView, () =>
        engine.tasks.create(parent ?? '', taskFromProto(version.taskFrom(plain(task)))),
      ),
    ),
    DeleteTask: rpc<'DeleteTaskRequest'>(({ name }) => {
      engine.tasks.delete(name ?? '');
      return {};
    }),
    RunTask: rpc<'RunTaskRequest'>(({ name, responseView }) =>
      answer(responseView, () => engine.tasks.run(name ?? '')),
    ),
  };
}

/** Gives an implementation its request's type: both adapters hand over plain objects that are read by that very type. */
function rpc<Name extends keyof Beta>(run: (request: RequestOf<Name>) => object): Rpc {
  return run as Rpc;
}

/** A filter speaks of a queue's fields as the version names them. */
function filterOf(text: string, output: (queue: Queue) => Plain): QueueFilter {
  const conditions = parseFilter(text);
  return { text, matches: (queue) => satisfies(output(queue), conditions) };
}

function pageOf(request: { pageSize?: number | null; pageToken?: string | null }): {
  pageSize: number | undefined;
  pageToken: string | undefined;
} {
  return { pageSize: request.pageSize || undefined, pageToken: request.pageToken || undefined };
}

function plain(message: object | null | undefined): Plain {
  return { ...message };
}
