import { cloudTasksV2Beta2Service } from '../schema.ts';
import type { Version } from '../version.ts';
import { leaseRpcs } from './leases.ts';
import { maskPath, queueFrom, queueTo } from './queue.ts';
import { taskFrom, taskTo } from './task.ts';

/** What `gcloud alpha tasks` speaks: other names for much, and pull queues. */
export const v2beta2: Version = {
  service: cloudTasksV2Beta2Service,
  restVersions: ['/v2beta2'],
  queueFrom,
  queueTo,
  taskFrom,
  taskTo,
  maskPath,
  ownRpcs: leaseRpcs,
};
