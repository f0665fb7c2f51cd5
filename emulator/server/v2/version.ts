import { cloudTasksV2Service } from '../schema.ts';
import type { Version } from '../version.ts';

/** The common messages are v2's own, with a few fields more, which its types do not have and which are dropped. */
export const v2: Version = {
  service: cloudTasksV2Service,
  // firebase-admin leaves the version out when CLOUD_TASKS_EMULATOR_HOST is set.
  restVersions: ['/v2', ''],
  queueFrom: ({ rateLimits, ...queue }) => ({
    ...queue,
    // The burst size is the service's own choice here: what a client sends is ignored.
    ...(rateLimits !== undefined && { rateLimits: { ...(rateLimits as object), maxBurstSize: null } }),
  }),
  queueTo: (queue) => ({ ...queue }),
  taskFrom: (task) => task,
  taskTo: (task) => ({ ...task }),
  maskPath: (path) => path,
};
