import { cloudTasksV2Beta3Service } from '../schema.ts';
import type { Version } from '../version.ts';

/** What `gcloud beta tasks` speaks: v2 with the routing of App Engine queues one level deeper, and more fields. */
export const v2beta3: Version = {
  service: cloudTasksV2Beta3Service,
  restVersions: ['/v2beta3'],
  queueFrom: ({ appEngineHttpQueue, ...queue }) => ({
    ...queue,
    ...(appEngineHttpQueue as object | undefined),
  }),
  queueTo: ({ appEngineRoutingOverride, ...queue }) => ({
    ...queue,
    ...(appEngineRoutingOverride && { appEngineHttpQueue: { appEngineRoutingOverride } }),
  }),
  taskFrom: (task) => task,
  taskTo: (task) => ({ ...task }),
  maskPath: (path) =>
    path === 'app_engine_http_queue'
      ? 'app_engine_routing_override'
      : path.replace(/^app_engine_http_queue\.(?=app_engine_routing_override)/, ''),
};
