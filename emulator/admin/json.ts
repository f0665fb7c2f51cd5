import { isUtf8 } from 'node:buffer';
import type { AttemptRecord, Delivery } from './attempt-log.ts';
import type { DeadTask } from './graveyard.ts';

/** The records as JSON: as they are, save that a body is text, or base64 where it is no UTF-8. */

export function attemptJson(record: AttemptRecord): object {
  return { ...record, deliveries: record.deliveries.map(deliveryJson) };
}

export function deliveryJson({ body, response, ...delivery }: Delivery): object {
  if (response === undefined) return { ...delivery, ...bodyJson(body) };
  const { body: answer, ...rest } = response;
  return { ...delivery, ...bodyJson(body), response: { ...rest, ...bodyJson(answer) } };
}

export function deadTaskJson({ queueName, task, diedAt, lastResult, lastDelivery }: DeadTask): object {
  const { name, createAt, dispatchCount, lastAttempt } = task;
  return {
    queueName,
    taskName: name,
    createdAt: createAt,
    diedAt,
    attempts: dispatchCount,
    lastStatus: lastAttempt?.responseStatus,
    lastResult,
    ...(lastDelivery !== undefined && { lastDelivery: deliveryJson(lastDelivery) }),
  };
}

function bodyJson(body: Buffer): object {
  return isUtf8(body) ? { body: body.toString('utf8') } : { bodyBase64: body.toString('base64') };
}
