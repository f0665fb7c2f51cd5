import type { HttpFunction, Request } from '@google-cloud/functions-framework';
import type { DocumentData } from '@google-cloud/firestore';
import type { z } from 'zod';
import type { IterativeTask, OneShotTask } from '../core/definition.ts';
import { PageturnerError } from '../core/errors.ts';
import { faultOfKeys } from '../core/known-keys.ts';
import { parseParameters } from '../core/parameters.ts';
import type { Repeating } from '../core/repeating.ts';
import { jsonLog } from '../json-log.ts';
import type { Log } from '../ports.ts';
import { defaultRuntime, type Runtime } from '../runtime.ts';
import { startOn, type StartOptions } from '../start-task.ts';
import { admit } from './admit.ts';
import { askedOptions, type Settable } from './asked-options.ts';
import { answerError } from './answer.ts';
import { jsonBody } from './body.ts';
import { traced } from './traced.ts';

export interface StarterOptions<S extends z.ZodType> {
  /** E-mail addresses of the people and services that may call; those of PAGETURNER_CALLERS unless given. */
  readonly callers?: readonly string[];
  /** Builds the parameters from the request; its JSON body unless given. */
  readonly params?: (request: Request) => z.input<S>;
  /** The key of the run, from the parameters as the schema gives them: see `StartOptions`. For iterative tasks. */
  readonly key?: (params: z.output<S>) => string;
  /** Into how many key ranges its runs are parted; as the task says unless given. For iterative tasks. */
  readonly shards?: number;
  /** Whether another run follows when one has completed; as the task says unless given. For iterative tasks. */
  readonly repeat?: Repeating | false;
  /** Documents that its runs take in a second, at most; null for no limit, as the task says unless given. For iterative tasks. */
  readonly documentsPerSecond?: number | null;
  /** What callers may set in the query of the URL, instead of what is set here; nothing unless given. */
  readonly callersMaySet?: readonly Settable[];
}

const known = {
  callers: true,
  params: true,
  key: true,
  shards: true,
  repeat: true,
  documentsPerSecond: true,
  callersMaySet: true,
} satisfies Record<keyof StarterOptions<z.ZodType>, true>;

/**
 * The HTTP function that starts a task, to be registered under `start-` and the task's name: it checks who calls and what they ask for,
 * starts, and answers at once.
 *
 * It takes `POST` with the parameters as JSON and an identity token whose audience is the function's own URL. An `Idempotency-Key`
 * header makes a repeated request start one run, and `?dryRun=true` in the URL starts a dry run. With `callersMaySet`, the query of its
 * URL may hold `delay` and `repeat` in seconds, `at` in the form of RFC 3339, `key`, `shards` and `documentsPerSecond` (a number or
 * `none`). Answers: 202 with `runId` (or `taskId`) and where to see it, and `existed: true` where a start with this `Idempotency-Key`
 * came before (it may have been this one, if its answer was lost); 400 with the faults named; 401; 403; 405; 409 where another run holds
 * the key, or the run of the `Idempotency-Key` had other parameters.
 *
 * @throws PageturnerError `invalid-definition` for an option that is not known.
 *
 * @example
 * http('start-email-students', starter(emailStudents, { callers: ['admin@example.com'] }));
 */
export function starter<S extends z.ZodType, D extends DocumentData>(
  task: OneShotTask<S> | IterativeTask<S, D>,
  options: StarterOptions<S> = {},
  runtime: () => Runtime = defaultRuntime,
): HttpFunction {
  const fault = faultOfKeys(options, known);
  if (fault !== undefined)
    throw new PageturnerError('invalid-definition', `The starter of "${task.name}" has ${fault}.`);
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
      const dryRun = isDryRun(request);
      const started = await startOn(ports, task, params, {
        ...ownOptions(task, params, options),
        ...(options.params === undefined ? askedOptions(request, options.callersMaySet ?? []) : {}),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        dryRun,
        startedBy: caller.email,
      });
      const see =
        'runId' in started
          ? { document: `pageturnerRuns/${started.runId}`, show: `pageturner runs show ${started.runId}` }
          : {};
      response.status(202).json({ task: task.name, ...started, ...see, ...(dryRun ? { dryRun } : {}) });
    } catch (error) {
      answerError(response, error, log, {
        fields: { task: task.name, starter: name },
        internal:
          'The task could not be started; the log says why. Send it again with the same Idempotency-Key.',
      });
    }
  });
}

/** What the owner of the starter has set. */
function ownOptions<S extends z.ZodType>(
  task: { readonly name: string; readonly params: S },
  params: unknown,
  { key, shards, repeat, documentsPerSecond }: StarterOptions<S>,
): StartOptions {
  return {
    ...(key === undefined ? {} : { key: key(parseParameters(task.name, task.params, params)) }),
    ...(shards === undefined ? {} : { shards }),
    ...(repeat === undefined ? {} : { repeat }),
    ...(documentsPerSecond === undefined ? {} : { documentsPerSecond }),
  };
}

/** Whatever is not understood must not start a real run. */
function isDryRun({ query }: Request): boolean {
  const asked = query['dryRun'];
  if (asked === undefined || asked === 'false') return false;
  if (asked === 'true') return true;
  throw new PageturnerError('invalid-request', `dryRun is ${JSON.stringify(asked)}; write ?dryRun=true.`);
}
