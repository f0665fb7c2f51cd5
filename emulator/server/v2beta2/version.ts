import { cloudTasksV2Beta2Service } from '../schema.ts';
import type { Rpc } from '../rpc.ts';
import type { Version } from '../version.ts';
import { leaseRpcs } from './leases.ts';
import { maskPath, queueFrom, queueTo } from './queue.ts';
import { taskFrom, taskTo } from './task.ts';

/** What `gcloud alpha tasks` speaks: other names for much, pull queues, and the upload of `queue.yaml`. */
export function v2beta2(uploadQueueYaml: Rpc): Version {
  return {
    service: cloudTasksV2Beta2Service,
    restVersions: ['/v2beta2'],
    queueFrom,
    queueTo,
    taskFrom,
    taskTo,
    maskPath,
    ownRpcs: (engine) => ({ ...leaseRpcs(engine), UploadQueueYaml: uploadQueueYaml }),
  };
}
