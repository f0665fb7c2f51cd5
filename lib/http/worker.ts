import type { HttpFunction } from '@google-cloud/functions-framework';
import type { DocumentData } from '@google-cloud/firestore';
import type { z } from 'zod';
import { attemptOf } from '../attempt.ts';
import type { AnyTask, IterativeTask, OneShotTask } from '../core/definition.ts';
import { parseDelivery, type Delivery } from '../core/delivery.ts';
import { PageturnerError } from '../core/errors.ts';
import { jsonLog } from '../json-log.ts';
import type { Attempt, Log, Ports } from '../ports.ts';
import { runTask } from '../run-task.ts';
import { defaultRuntime, type Runtime } from '../runtime.ts';
import { takeDelivery } from '../take-delivery.ts';
import { observeDelivery } from '../telemetry/observe-delivery.ts';
import { observedPorts } from '../telemetry/observed-ports.ts';
import { answerError } from './answer.ts';
import { jsonBody } from './body.ts';
import { traced } from './traced.ts';

/**
 * The HTTP function that works on a task. Register it under the task's name; only the queue may call it: it verifies the identity
 * token of every request (see docs/access.md) and answers 401 or 403 to anybody else.
 *
 * Answers 200 when the delivery is dealt with, and another status when the queue must deliver it again.
 *
 * @example
 * http('email-students', worker(emailStudents));
 */
export function worker<S extends z.ZodType, D extends DocumentData>(
  task: OneShotTask<S> | IterativeTask<S, D>,
  runtime: () => Runtime = defaultRuntime,
): HttpFunction {
  return traced(async (request, response) => {
    const fields = { task: task.name, queueTask: request.get('X-CloudTasks-TaskName') };
    let log: Log = jsonLog;
    const answerFailure = (error: unknown): void =>
      answerError(response, error, log, {
        fields,
        internal: 'The task failed and will be delivered again; the log says why.',
      });
    try {
      const { ports, retries, settings, verifyToken } = runtime();
      ({ log } = ports);
      const { email } = await verifyToken(
        request.get('Authorization'),
        `${settings.functionsUrl}/${task.name}`,
      );
      if (email !== settings.serviceAccount) {
        throw new PageturnerError(
          'forbidden',
          `${email} may not call this worker: only its queue may, as ${settings.serviceAccount}.`,
        );
      }
      const delivery = parseDelivery(jsonBody(request));
      const header = (name: string): string | undefined => request.get(name);
      const attempt = attemptOf(header, retries, ports);
      const labels = { task: task.name, queue: header('X-CloudTasks-QueueName') ?? task.queue };
      const outcome = await observeDelivery(
        labels,
        delivery,
        { header, clock: ports.clock, failed: answerFailure },
        () => deliver(task, delivery, { queueId: labels.queue, attempt }, observedPorts(ports, labels)),
      );
      if (outcome !== undefined) response.status(200).json({ outcome });
    } catch (error) {
      answerFailure(error);
    }
  });
}

async function deliver(
  task: AnyTask,
  delivery: Delivery,
  { queueId, attempt }: { readonly queueId: string; readonly attempt: Attempt },
  ports: Ports,
): Promise<string> {
  if (task.kind === 'task') {
    if (delivery.kind !== 'task') throw misdirected(task, delivery);
    return await runTask(task, delivery, ports, { queueId, attempt });
  }
  if (delivery.kind === 'task') throw misdirected(task, delivery);
  return await takeDelivery(task, delivery, ports, attempt);
}

function misdirected(task: AnyTask, delivery: Delivery): PageturnerError {
  const article = task.kind === 'task' ? 'a one-shot' : 'an iterative';
  return new PageturnerError(
    'invalid-request',
    `"${task.name}" is ${article} task, and takes no delivery of kind "${delivery.kind}".`,
  );
}
