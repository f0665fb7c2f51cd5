import type { HttpFunction, Request, Response } from '@google-cloud/functions-framework';
import type { DispatchRequest, DispatchResult } from '../../emulator/core/dispatch.ts';
import type { Ports } from '../../lib/ports.ts';
import type { Runtime } from '../../lib/runtime.ts';
import { contentOf } from './engine-queue.ts';

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
  const headers: Readonly<Record<string, string>> = {
    authorization: 'Bearer simulated',
    'x-cloudtasks-queuename': queue.name.split('/').at(-1) ?? '',
    'x-cloudtasks-taskname': task.name.split('/').at(-1) ?? '',
    'x-cloudtasks-taskretrycount': String(task.dispatchCount),
    'x-cloudtasks-taskexecutioncount': String(task.executionCount),
  };
  return headers[name.toLowerCase()];
}

/** The runtime of a process, without tokens: who calls is not what is simulated. */
export function runtimeOf(ports: Ports): Runtime {
  const serviceAccount = 'tasks@p.iam.gserviceaccount.com';
  return {
    ports,
    // The queues of the simulation never give a task up.
    retries: { retryLimits: async () => ({}), firstAttemptAt: async () => undefined },
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
