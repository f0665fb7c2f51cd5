import { BUSY, httpRequest, LOCATION, Q, QUEUE_MISSING, recorded } from './row.ts';
import type { ErrorRow } from './row.ts';

const ACCOUNT = 'tasks@p.iam.gserviceaccount.com';
const DEADLINE_SOURCE = 'google-cloud-go issue 1577, google-cloud-ruby issue 3941';
const PARAMS_SOURCE = 'python-tasks issue 1, google-cloud-node issue 4799';

function withToken(serviceAccountEmail: string, url: string): object {
  return { parent: Q, task: { httpRequest: { url, oidcToken: { serviceAccountEmail } } } };
}

const RUN_QUOTA = {
  metric: 'run_task_requests',
  limit: 60,
  title: 'Run task requests per minute per region',
};
const LIST_QUOTA = {
  metric: 'list_requests',
  limit: 600,
  title: 'List group requests per minute per region',
};

/** A row about a quota that is used up in the location `busy`. */
function beyondQuota(
  rpc: string,
  request: object,
  condition: string,
  quota: { readonly metric: string; readonly limit: number; readonly title: string; readonly unit?: string },
): ErrorRow {
  const { metric, limit, title, unit = '1/min/{project}/{region}' } = quota;
  const service = 'cloudtasks.googleapis.com';
  const metadata = {
    consumer: 'projects/p',
    service,
    quota_metric: `cloudtasks.googleapis.com/${metric}`,
    quota_limit: title,
    quota_limit_value: String(limit),
    quota_location: 'busy',
    quota_unit: unit,
  };
  const link = {
    description: 'Request a higher quota limit.',
    url: 'https://cloud.google.com/docs/quotas/help/request_increase',
  };
  return {
    rpc,
    profile: 'strict',
    condition,
    request,
    code: 'RESOURCE_EXHAUSTED',
    message: `Quota exceeded for quota metric 'cloudtasks.googleapis.com/${metric}' and limit '${title}' of service 'cloudtasks.googleapis.com' for consumer 'projects/p'.`,
    details: [
      {
        type: 'google.rpc.ErrorInfo',
        value: { reason: 'RATE_LIMIT_EXCEEDED', domain: 'googleapis.com', metadata },
      },
      { type: 'google.rpc.Help', value: { links: [link] } },
    ],
    mark: 'inferred',
    source:
      "the limit is of Google's quota page, text and details are those that its services give for quotas",
  };
}

/** What only the profile `strict` refuses: a local emulator lets it through, and warns of it with this very text. */
export const strictRows: readonly ErrorRow[] = [
  {
    rpc: 'CreateQueue',
    profile: 'strict',
    condition: 'a queue of this name was deleted less than seven days ago',
    request: { parent: LOCATION, queue: { name: `${LOCATION}/queues/gone` } },
    code: 'FAILED_PRECONDITION',
    message: 'The queue cannot be created because a queue with this name existed too recently.',
    ...recorded,
  },
  {
    rpc: 'UpdateQueue',
    profile: 'strict',
    condition: 'it would create a queue whose name was given up less than seven days ago',
    request: { queue: { name: `${LOCATION}/queues/gone` } },
    code: 'FAILED_PRECONDITION',
    message: 'The queue cannot be created because a queue with this name existed too recently.',
    mark: 'inferred',
    source: 'by analogy with CreateQueue',
  },
  {
    rpc: 'CreateTask',
    profile: 'strict',
    condition: 'the queue was created less than a minute ago',
    request: { parent: `${LOCATION}/queues/just-made`, task: { httpRequest } },
    code: 'NOT_FOUND',
    message: QUEUE_MISSING,
    mark: 'inferred',
    source:
      'the text itself says to wait a minute; whether the service refuses each task until then is not known',
  },
  {
    rpc: 'CreateTask',
    profile: 'strict',
    condition: 'it has a token and an http address',
    request: withToken(ACCOUNT, 'http://a.example/'),
    code: 'INVALID_ARGUMENT',
    message: "HttpRequest.url must start with 'https://' for request with HttpRequest.authorization_header",
    mark: 'recorded',
    source: 'nodejs-tasks issue 353',
  },
  {
    rpc: 'CreateTask',
    profile: 'strict',
    condition: 'its token is of an address that cannot be a service account',
    request: withToken('me@example.com', 'https://a.example/'),
    code: 'NOT_FOUND',
    message:
      'The principal (user or service account) lacks IAM permission "iam.serviceAccounts.actAs" for the resource "me@example.com" (or the resource may not exist).',
    ...recorded,
  },
  {
    rpc: 'GetQueue',
    profile: 'strict',
    only: 'gRPC',
    call: { hasNoParams: true },
    condition: 'the call has no header x-goog-request-params',
    request: { name: Q },
    code: 'INVALID_ARGUMENT',
    message: `"x-goog-request-params" header is either missing or misformatted. "x-goog-request-params" must contain "name=${Q}"`,
    mark: 'recorded',
    source: PARAMS_SOURCE,
  },
  {
    rpc: 'UpdateQueue',
    profile: 'strict',
    only: 'gRPC',
    call: { hasNoParams: true },
    condition: 'the call has no header x-goog-request-params',
    request: { queue: { name: Q } },
    code: 'INVALID_ARGUMENT',
    message: `"x-goog-request-params" header is either missing or misformatted. "x-goog-request-params" must contain "queue.name=${Q}"`,
    mark: 'recorded',
    source: PARAMS_SOURCE,
  },
  {
    rpc: 'CreateTask',
    profile: 'strict',
    only: 'gRPC',
    call: { deadlineMs: 60_000 },
    condition: "the client's deadline is more than 30 seconds away",
    request: { parent: Q, task: { httpRequest } },
    code: 'INVALID_ARGUMENT',
    message: 'The request deadline is <TIME>. The deadline cannot be more than 30s in the future.',
    mark: 'recorded',
    source: DEADLINE_SOURCE,
  },
  beyondQuota(
    'CreateQueue',
    { parent: BUSY, queue: { name: `${BUSY}/queues/one-more` } },
    'the project has 1,000 queues in the location',
    { metric: 'queues', limit: 1000, title: 'Number of queues per region', unit: '1/{project}/{region}' },
  ),
  beyondQuota(
    'RunTask',
    { name: `${BUSY}/queues/q0/tasks/t` },
    'it is the 61st of a minute in the location',
    RUN_QUOTA,
  ),
  beyondQuota(
    'ListQueues',
    { parent: BUSY },
    'it is the 601st list (of queues or tasks) of a minute in the location',
    LIST_QUOTA,
  ),
  beyondQuota(
    'ListTasks',
    { parent: `${BUSY}/queues/q0` },
    'it is the 601st list (of queues or tasks) of a minute in the location',
    LIST_QUOTA,
  ),
];
