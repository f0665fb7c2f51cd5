import type { HttpFunction, Request, Response } from '@google-cloud/functions-framework';
import type { DispatchRequest, DispatchResult } from '../../emulator/core/dispatch.ts';
import type { Ports, RetryLookup } from '../../lib/ports.ts';
import type { Runtime } from '../../lib/runtime.ts';
import { contentOf, type MaxAttempts } from './engine-queue.ts';

/** How a delivery ended, with the outcome that a worker names in its answer. */
export type Answer = DispatchResult & { readonly outcome?: string };

/** Has a function take a delivery, without a network between the queue and it. */
export async function callFunction(handler: HttpFunction, request: DispatchRequest): Promise<Answer> {
  const { promise: answered, resolve } = Promise.withResolvers<Answer>();
  let status = 200;
  const response = {
    status(httpStatus: number) {
      status = httpStatus;
      return response;
    },
    set: () => response,
    json({ outcome }: { readonly outcome?: string }) {
      resolve({ kind: 'response', httpStatus: status, ...(outcome === undefined ? {} : { outcome }) });
      return response;
    },
  };
  const incoming = {
    method: 'POST',
    rawBody: Buffer.from(contentOf(request.task).body),
    get: (name: string) => headerOf(request, name),
  };
  void handler(incoming as unknown as Request, response as unknown as Response);
  return await answered;
}

/** What a worker learns of an attempt from its headers, as `request.get` gives it. */
export function headerOf({ queue, task }: DispatchRequest, name: string): string | undefined {
  switch (name.toLowerCase()) {
    case 'authorization':
      return 'Bearer simulated';
    case 'x-cloudtasks-queuename':
      return lastOf(queue.name);
    case 'x-cloudtasks-taskname':
      return lastOf(task.name);
    case 'x-cloudtasks-taskretrycount':
      return String(task.dispatchCount);
    case 'x-cloudtasks-taskexecutioncount':
      return String(task.executionCount);
    default:
      return undefined;
  }
}

function lastOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** The runtime of a process, without tokens: who calls is not what is simulated. */
export function runtimeOf(
  ports: Ports,
  limits: MaxAttempts = {},
  firstAttemptAt: RetryLookup['firstAttemptAt'] = async () => undefined,
): Runtime {
  const serviceAccount = 'tasks@p.iam.gserviceaccount.com';
  return {
    ports,
    retries: {
      async retryLimits(queue) {
        const maxAttempts = limits[queue];
        return maxAttempts === undefined ? {} : { maxAttempts };
      },
      firstAttemptAt,
    },
    verifyToken: async () => ({ email: serviceAccount }),
    settings: {
      project: 'p',
      location: 'l',
      functionsUrl: 'https://functions.example',
      serviceAccount,
      callers: [],
      issuer: 'https://issuer.example',
    },
  };
}
