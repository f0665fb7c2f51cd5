import type { protos } from '@google-cloud/tasks';
import { ApiError } from '../core/errors.ts';
import { invalidField } from '../core/faults.ts';
import type { Batch } from '../engine/batches.ts';
import type { Engine } from '../engine/engine.ts';
import { taskFromProto, taskToProto } from './messages/task.ts';
import { instantToProto } from './messages/time.ts';
import { statusToProto } from './operations.ts';
import type { Operations } from './operations.ts';
import type { Rpc } from './rpc.ts';
import type { Plain } from './schema.ts';
import type { Version } from './version.ts';

type CreateRequest = protos.google.cloud.tasks.v2beta3.IBatchCreateTasksRequest;
type DeleteRequest = protos.google.cloud.tasks.v2beta3.IBatchDeleteTasksRequest;
type CmekRequest = protos.google.cloud.tasks.v2beta3.IUpdateCmekConfigRequest;
type GetCmekRequest = protos.google.cloud.tasks.v2beta3.IGetCmekConfigRequest;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Documented of a deletion; of a creation nothing is said, so it gets the same. */
const ALL_FAILED =
  'None of the requests succeeded, refer to BatchDeleteTasksMetadata.failed_requests for individual error details';

/** Batches and the CMEK config, which are the same in every version. */
export function batchRpcs(engine: Engine, version: Version, operations: Operations): Record<string, Rpc> {
  const { batches, cmek } = engine;
  const answer = (batch: Batch) => operations.keep(operationOf(batch, version));
  return {
    BatchCreateTasks: (request) => {
      const { parent, requests, requestId } = request as CreateRequest;
      const items = (requests ?? []).map((item) => ({
        parent: item.parent ?? '',
        task: taskFromProto(version.taskFrom({ ...item.task })),
      }));
      return answer(batches.create(parent ?? '', items, checkedRequestId(requestId)));
    },
    BatchDeleteTasks: (request) => {
      const { parent, names, requestId } = request as DeleteRequest;
      return answer(batches.delete(parent ?? '', names ?? [], checkedRequestId(requestId)));
    },
    GetCmekConfig: (request) => ({ ...cmek.get((request as GetCmekRequest).name ?? '') }),
    UpdateCmekConfig: (request) => {
      const { cmekConfig } = request as CmekRequest;
      return { ...cmek.update({ name: cmekConfig?.name ?? '', kmsKey: cmekConfig?.kmsKey ?? '' }) };
    },
  };
}

function operationOf(batch: Batch, { service, taskTo }: Version): Plain & { readonly name: string } {
  const { name, kind, startAt, endAt, tasks, failures, state } = batch;
  const packageUrl = `type.googleapis.com${service.parent?.fullName.replace('.', '/') ?? ''}`;
  const metadata = {
    '@type': `${packageUrl}.${kind === 'create' ? 'BatchCreateTasksMetadata' : 'BatchDeleteTasksMetadata'}`,
    startTime: instantToProto(startAt),
    endTime: instantToProto(endAt),
    state,
    failedRequests: Object.fromEntries([...failures].map(([index, error]) => [index, statusToProto(error)])),
  };
  const response =
    kind === 'create'
      ? {
          '@type': `${packageUrl}.BatchCreateTasksResponse`,
          tasks: tasks.map((task) => taskTo(taskToProto(task, 'BASIC'))),
        }
      : { '@type': 'type.googleapis.com/google.protobuf.Empty' };
  return {
    name,
    metadata,
    done: true,
    ...(state === 'FAILED' ? { error: statusToProto(new ApiError('ABORTED', ALL_FAILED)) } : { response }),
  };
}

function checkedRequestId(requestId: string | null | undefined): string {
  if (!requestId || UUID.test(requestId)) return requestId ?? '';
  throw invalidField('request_id', `"${requestId}" is no UUID.`);
}
