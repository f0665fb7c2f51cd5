import {
  ENTITY_MISSING,
  httpRequest,
  LOCATION,
  NO_QUEUE,
  PROTO,
  Q,
  QUEUE_MISSING,
  violation,
} from './row.ts';
import type { ErrorRow } from './row.ts';

const ALL_FAILED =
  'None of the requests succeeded, refer to BatchDeleteTasksMetadata.failed_requests for individual error details';
const CATCH_ALL = 'Invalid resource field value in the request.';

const ours = (why: string) => ({ mark: 'inferred', source: why }) as const;

function refused(rpc: string, condition: string, request: object, details: ErrorRow['details']): ErrorRow {
  return {
    rpc,
    condition,
    request,
    code: 'INVALID_ARGUMENT',
    message: CATCH_ALL,
    ...(details !== undefined && { details }),
    ...ours(`the limit is documented (${PROTO}), the text is the service's catch-all`),
  };
}

const batches = ['', 'v2beta3 '].flatMap((version): ErrorRow[] => [
  {
    rpc: `${version}BatchDeleteTasks`,
    condition: 'every deletion failed: the error of the operation',
    request: { parent: Q, names: [`${Q}/tasks/none`, `${Q}/tasks/never`] },
    within: 'operation',
    code: 'ABORTED',
    message: ALL_FAILED,
    mark: 'documented',
    source: `${PROTO}, BatchDeleteTasksMetadata.State`,
  },
  {
    rpc: `${version}BatchCreateTasks`,
    condition: 'every creation failed: the error of the operation',
    request: { parent: Q, requests: [{ parent: Q, task: { httpRequest: { url: '' } } }] },
    within: 'operation',
    code: 'ABORTED',
    message: ALL_FAILED,
    ...ours('by analogy with BatchDeleteTasks, down to its text'),
  },
]);

const lease = { leaseDuration: { seconds: 60 } };

/** What is refused of batches, and by the versions that v2 grew out of. */
export const betaRows: readonly ErrorRow[] = [
  ...batches,
  refused(
    'BatchDeleteTasks',
    'it names more than 1,000 tasks',
    { parent: Q, names: Array.from({ length: 1001 }, () => `${Q}/tasks/t`) },
    violation('names', '1001 entries are out of range; use 1 to 1000.'),
  ),
  refused(
    'BatchCreateTasks',
    'it has more than 100 requests',
    { parent: Q, requests: Array.from({ length: 101 }, () => ({ parent: Q, task: { httpRequest } })) },
    violation('requests', '101 entries are out of range; use 1 to 100.'),
  ),
  refused(
    'v2beta3 CreateQueue',
    'the time to live of tasks is out of range',
    { parent: LOCATION, queue: { name: `${LOCATION}/queues/fresh`, taskTtl: { seconds: 60 } } },
    violation('queue.task_ttl', '60 s is out of range; use 10 days to 10 years.'),
  ),
  {
    rpc: 'v2beta2 LeaseTasks',
    condition: 'the queue does not exist',
    request: { parent: NO_QUEUE, ...lease },
    code: 'NOT_FOUND',
    message: QUEUE_MISSING,
    ...ours('by analogy with the other methods'),
  },
  {
    rpc: 'v2beta2 LeaseTasks',
    condition: 'the queue is a push queue',
    request: { parent: Q, ...lease },
    code: 'FAILED_PRECONDITION',
    message: 'Tasks can be leased from a pull queue only.',
    ...ours(`${PROTO} say that only pull queues can be leased from`),
  },
  {
    rpc: 'v2beta2 UploadQueueYaml',
    // It has no path of the kind that the others have.
    only: 'gRPC',
    condition: 'a push queue has no rate',
    request: { appId: 'p', httpBody: { data: Buffer.from('queue:\n- name: a\n') } },
    code: 'INVALID_ARGUMENT',
    message:
      'Invalid queue configuration. Line 2, queue[0].rate: Refill rate must be specified for push-based queue.',
    details: violation(
      'http_body.data.queue[0].rate',
      'Invalid queue configuration. Line 2, queue[0].rate: Refill rate must be specified for push-based queue.',
    ),
    ...ours('gcloud 528 gives these words for those of the service; the line and the field are ours'),
  },
  {
    rpc: 'v2beta2 GetTask',
    condition: 'the task does not exist',
    request: { name: `${Q}/tasks/none` },
    code: 'NOT_FOUND',
    message: ENTITY_MISSING,
    ...ours('as in v2'),
  },
];
