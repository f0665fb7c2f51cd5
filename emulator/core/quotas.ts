import { ApiError } from './errors.ts';

type QuotaName = 'queues' | 'runTask' | 'list' | 'lease';

interface Quota {
  readonly limit: number;
  /** As the service's quota page names it. */
  readonly title: string;
  readonly metric: string;
  readonly unit: string;
}

/** What a project may do in each location, or with each queue, unless Google has granted it more. */
export const QUOTAS: Readonly<Record<QuotaName, Quota>> = {
  queues: {
    limit: 1000,
    title: 'Number of queues per region',
    metric: 'queues',
    unit: '1/{project}/{region}',
  },
  runTask: {
    limit: 60,
    title: 'Run task requests per minute per region',
    metric: 'run_task_requests',
    unit: '1/min/{project}/{region}',
  },
  list: {
    limit: 600,
    title: 'List group requests per minute per region',
    metric: 'list_requests',
    unit: '1/min/{project}/{region}',
  },
  // Of the API's reference, not of the quota page, and for each queue.
  lease: {
    limit: 10,
    title: 'Lease tasks requests per second per queue',
    metric: 'lease_requests',
    unit: '1/s/{project}/{region}/{queue}',
  },
};

/**
 * The refusal of what would go beyond a quota, in the form in which all of Google's services give it. What Cloud Tasks calls its metrics was
 * not seen, and a local project has no number.
 *
 * @param subject `projects/P/locations/L`, or a queue of it
 */
export function quotaExceeded(name: QuotaName, subject: string): ApiError {
  const { limit, title, metric, unit } = QUOTAS[name];
  const [, project = '', , region = ''] = subject.split('/');
  const service = 'cloudtasks.googleapis.com';
  const consumer = `projects/${project}`;
  return new ApiError(
    'RESOURCE_EXHAUSTED',
    `Quota exceeded for quota metric '${service}/${metric}' and limit '${title}' of service '${service}' for consumer '${consumer}'.`,
    [
      {
        type: 'google.rpc.ErrorInfo',
        value: {
          reason: 'RATE_LIMIT_EXCEEDED',
          domain: 'googleapis.com',
          metadata: {
            consumer,
            service,
            quota_metric: `${service}/${metric}`,
            quota_limit: title,
            quota_limit_value: String(limit),
            quota_location: region,
            quota_unit: unit,
          },
        },
      },
      {
        type: 'google.rpc.Help',
        value: {
          links: [
            {
              description: 'Request a higher quota limit.',
              url: 'https://cloud.google.com/docs/quotas/help/request_increase',
            },
          ],
        },
      },
    ],
  );
}
