import type { HttpFunction, Request } from '@google-cloud/functions-framework';
import type { DocumentData } from '@google-cloud/firestore';
import type { z } from 'zod';
import type { IterativeTask, OneShotTask } from '../core/definition.ts';
import { jsonLog } from '../json-log.ts';
import type { Log } from '../ports.ts';
import { defaultRuntime, type Runtime } from '../runtime.ts';
import { startOn } from '../start-task.ts';
import { admit } from './admit.ts';
import { answerError } from './answer.ts';
import { jsonBody } from './body.ts';
import { traced } from './traced.ts';

export interface StarterOptions<S extends z.ZodType> {
  /** E-mail addresses of the people and services that may call; those of PAGETURNER_CALLERS unless given. */
  readonly callers?: readonly string[];
  /** Builds the parameters from the request; its JSON body unless given. */
  readonly params?: (request: Request) => z.input<S>;
}

/**
 * The HTTP function that starts a task, to be registered under `start-` and the task's name: it checks who calls and what they ask for, starts, and answers at once.
 *
 * It takes `POST` with the parameters as JSON and an identity token whose audience is the function's own URL. An `Idempotency-Key`
 * header makes a repeated request start one run. Answers: 202 with `runId` (or `taskId`) and where to see it; 400 with the faults
 * named; 401; 403; 405.
 *
 * @example
 * http('start-email-students', starter(emailStudents, { callers: ['admin@example.com'] }));
 */
export function starter<S extends z.ZodType, D extends DocumentData>(
  task: OneShotTask<S> | IterativeTask<S, D>,
  options: StarterOptions<S> = {},
  runtime: () => Runtime = defaultRuntime,
): HttpFunction {
  const name = `start-${task.name}`;
  return traced(async (request, response) => {
    let log: Log = jsonLog;
    try {
      const { ports, ...access } = runtime();
      ({ log } = ports);
      const caller = await admit(request, name, options.callers, access);
      if (request.method !== 'POST') {
        response
          .set('Allow', 'POST')
          .status(405)
          .json({ error: { code: 'invalid-request', message: 'Start a task with POST.' } });
        return;
      }
      const params =
        options.params === undefined ? ((jsonBody(request) ?? {}) as z.input<S>) : options.params(request);
      const idempotencyKey = request.get('Idempotency-Key');
      const key = idempotencyKey === undefined ? {} : { idempotencyKey };
      const started = await startOn(ports, task, params, { ...key, startedBy: caller.email });
      const see =
        'runId' in started
          ? { document: `pageturnerRuns/${started.runId}`, show: `pageturner runs show ${started.runId}` }
          : {};
      response.status(202).json({ task: task.name, ...started, ...see });
    } catch (error) {
      answerError(response, error, log, {
        fields: { task: task.name, starter: name },
        internal:
          'The task could not be started; the log says why. Send it again with the same Idempotency-Key.',
      });
    }
  });
}
