import { ApiError } from './errors.ts';
import { invalidArgument } from './faults.ts';
import type { Task } from './model.ts';
import { formatPacific } from './pacific-time.ts';

/** What the real service refuses or dislikes and a local one need not. */
export type WarningKind =
  | 'token-over-http'
  | 'service-account'
  | 'queue-name-reused'
  | 'queue-just-created'
  | 'queue-auto-created'
  | 'missing-request-params'
  | 'long-client-deadline'
  | 'no-content-type'
  | 'sequential-names'
  | 'quota-queues'
  | 'quota-run-task'
  | 'quota-list'
  | 'quota-lease'
  | 'slowed-by-targets'
  | 'slowed-by-errors'
  | 'slow-start'
  | 'open-host';

/** How long after its creation a queue may still be unknown to the service. */
export const NEW_QUEUE_DELAY_MS = 60_000;
/** How long the name of a deleted queue stays taken in the service. */
export const QUEUE_NAME_REUSE_MS: number = 7 * 24 * 60 * 60 * 1000;
const MAX_CLIENT_DEADLINE_MS = 30_000;

export interface Refusal {
  readonly kind: WarningKind;
  /** In the service's own words. Made when it is wanted: an error is costly, and a task that is let through needs none. */
  readonly error: () => ApiError;
}

/** What the service would refuse a task for that the emulator can deliver all the same. */
export function refusalOfTask({ target }: Task): Refusal | undefined {
  if (target.kind !== 'http' || target.authorization === undefined) return undefined;
  const account = target.authorization.serviceAccountEmail;
  if (!/^https:/i.test(target.url)) {
    const text =
      "HttpRequest.url must start with 'https://' for request with HttpRequest.authorization_header";
    return { kind: 'token-over-http', error: () => invalidArgument(text) };
  }
  // Whether an account exists only Google knows; whether it can be one shows in its address.
  if (/^[^@\s]+@[^@\s]+\.gserviceaccount\.com$/.test(account)) return undefined;
  const text =
    'The principal (user or service account) lacks IAM permission "iam.serviceAccounts.actAs" ' +
    `for the resource "${account}" (or the resource may not exist).`;
  return { kind: 'service-account', error: () => new ApiError('NOT_FOUND', text) };
}

/** A call as it reaches Google's front end over gRPC. */
export interface Call {
  /** The header `traceparent`. */
  readonly traceparent?: string | undefined;
  /** The header `x-goog-request-params`, which every client of Google's sends. */
  readonly requestParams: string | undefined;
  /** What that header must hold: the field of the request that names its resource, such as `queue.name`, and what it says. */
  readonly routing: { readonly field: string; readonly value: string } | undefined;
  /** When the client stops waiting; infinite where it set no deadline. */
  readonly deadlineAt: number;
}

export function refusalOfCall(
  { requestParams, routing, deadlineAt }: Call,
  now: number,
): Refusal | undefined {
  if (routing !== undefined && !new URLSearchParams(requestParams).has(routing.field)) {
    const text =
      '"x-goog-request-params" header is either missing or misformatted. ' +
      `"x-goog-request-params" must contain "${routing.field}=${routing.value}"`;
    return { kind: 'missing-request-params', error: () => invalidArgument(text) };
  }
  if (!Number.isFinite(deadlineAt) || deadlineAt - now <= MAX_CLIENT_DEADLINE_MS) return undefined;
  const text = `The request deadline is ${formatPacific(deadlineAt)}. The deadline cannot be more than 30s in the future.`;
  return { kind: 'long-client-deadline', error: () => invalidArgument(text) };
}

/** Whether a worker gets a body and is not told what it is: the service adds no `Content-Type`. */
export function lacksContentType({ target }: Task): boolean {
  if (target.kind !== 'http' || target.body.length === 0) return false;
  return !Object.keys(target.headers).some((name) => name.toLowerCase() === 'content-type');
}

/** Whether `id` counts on from `before`: the service stores names in order, and slows down when all land at one end. */
export function isNextInSequence(before: string, id: string): boolean {
  const [, prefix, digits = ''] = /^(.*?)(\d{1,15})$/.exec(id) ?? [];
  const [, prefixBefore, digitsBefore = ''] = /^(.*?)(\d{1,15})$/.exec(before) ?? [];
  return prefix !== undefined && prefix === prefixBefore && Number(digits) === Number(digitsBefore) + 1;
}
