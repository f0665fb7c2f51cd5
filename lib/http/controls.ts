import type { HttpFunction, Request } from '@google-cloud/functions-framework';
import { z } from 'zod';
import { cancelRun, pauseRun, resumeRun, retryRun, stopRepeating, throttleRun } from '../control-run.ts';
import { PageturnerError } from '../core/errors.ts';
import { faultsOf } from '../core/parameters.ts';
import { jsonLog } from '../json-log.ts';
import type { Log, Ports, RunStore } from '../ports.ts';
import { getRun, listRuns, type RunSummary } from '../runs.ts';
import { defaultRuntime, type Runtime } from '../runtime.ts';
import { admit } from './admit.ts';
import { answerError } from './answer.ts';
import { jsonBody } from './body.ts';
import { traced } from './traced.ts';

export interface ControlsOptions {
  /** The name that the function is registered and called under; `runs` unless given. */
  readonly name?: string;
  /** E-mail addresses of those who may see and control every run; those of PAGETURNER_CALLERS unless given. */
  readonly callers?: readonly string[];
}

/**
 * The HTTP function that shows runs and controls them, for pages and scripts that are to do so without access to the database.
 *
 * `POST {"run": "4f1c…", "command": "pause"}` (or `resume`, `cancel`, `retry`, `stop-repeating`, or `throttle` with `documentsPerSecond`,
 * which is null for no limit; with `force` and `reason`) does what `pauseRun` and its like do, keeps the caller's address with the run,
 * and answers 200 with the run as it is then. `GET ?run=4f1c…` answers one run, `GET ?task=email-students&limit=20` the newest;
 * parameters and errors included. Both take an identity token whose audience is the function's own URL. Other answers: 400 with the
 * faults named, 401, 403, 404 where there is no such run, 405, 409 where the run's state refuses the command.
 *
 * @example
 * http('runs', controls({ callers: ['admin@example.com'] }));
 */
export function controls(
  options: ControlsOptions = {},
  runtime: () => Runtime = defaultRuntime,
): HttpFunction {
  const { name = 'runs', callers } = options;
  return traced(async (request, response) => {
    let log: Log = jsonLog;
    try {
      const { ports, ...access } = runtime();
      ({ log } = ports);
      const caller = await admit(request, name, callers, access);
      if (request.method !== 'POST' && request.method !== 'GET') {
        const message = 'See runs with GET, and control them with POST.';
        response
          .set('Allow', 'GET, POST')
          .status(405)
          .json({ error: { code: 'invalid-request', message } });
        return;
      }
      const answer =
        request.method === 'POST'
          ? await command(request, caller.email, ports)
          : await look(request, ports.store);
      if (answer === undefined) {
        const error = { code: 'invalid-request', message: 'There is no such run.' };
        response.status(404).json({ error });
        return;
      }
      response.status(200).json(answer);
    } catch (error) {
      answerError(response, error, log, {
        fields: { controls: name },
        internal: 'It could not be done; the log says why. Send it again: each command is safe to repeat.',
      });
    }
  });
}

const runId = z.string().regex(/^[A-Za-z0-9_-]{1,500}$/, 'must be the id of a run');
const why = { run: runId, reason: z.string().max(500).optional() };
const commandSchema = z.discriminatedUnion('command', [
  z.strictObject({ ...why, command: z.enum(['pause', 'cancel']), force: z.boolean().optional() }),
  z.strictObject({ ...why, command: z.enum(['resume', 'retry', 'stop-repeating']) }),
  z.strictObject({ ...why, command: z.literal('throttle'), documentsPerSecond: z.number().nullable() }),
]);
const lookSchema = z.union([
  z.strictObject({ run: runId }),
  z.strictObject({
    task: z.string().optional(),
    limit: z.coerce.number().int().min(1).max(1_000).default(20),
  }),
]);

async function command(request: Request, by: string, ports: Ports): Promise<RunSummary | undefined> {
  const body = jsonBody(request) ?? {};
  const asked = parse(commandSchema, body, 'the body', exampleFor(body));
  const before = await getRun(asked.run, ports.store);
  if (before === undefined) return undefined;
  const cause = { by, ...(asked.reason === undefined ? {} : { reason: asked.reason }) };
  switch (asked.command) {
    case 'pause':
      await pauseRun(asked.run, { ...cause, force: asked.force ?? false }, ports);
      break;
    case 'cancel':
      await cancelRun(asked.run, { ...cause, force: asked.force ?? false }, ports);
      break;
    case 'resume':
      await resumeRun(asked.run, cause, ports);
      break;
    case 'retry':
      await retryRun(asked.run, cause, ports);
      break;
    case 'throttle':
      await throttleRun(asked.run, asked.documentsPerSecond, cause, ports);
      break;
    case 'stop-repeating':
      return await getRun(await stopRepeating(asked.run, cause, ports), ports.store);
  }
  return await getRun(asked.run, ports.store);
}

async function look(
  request: Request,
  store: RunStore,
): Promise<RunSummary | { readonly runs: readonly RunSummary[] } | undefined> {
  const asked = parse(lookSchema, request.query, 'the query', '?run=4f1c… or ?task=email-students&limit=20');
  if ('run' in asked) return await getRun(asked.run, store);
  const { task, limit } = asked;
  return { runs: await listRuns({ limit, ...(task === undefined ? {} : { task }) }, store) };
}

/** Of the command that was meant, where that is known. */
function exampleFor(body: unknown): string {
  const isThrottle = (body as { readonly command?: unknown }).command === 'throttle';
  return `{"run": "4f1c…", "command": ${isThrottle ? '"throttle", "documentsPerSecond": 50' : '"pause"'}}`;
}

function parse<T>(schema: z.ZodType<T>, value: unknown, whole: string, example: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const message = `The request does not fit: ${faultsOf(parsed.error, whole)}. Write it as ${example}.`;
  throw new PageturnerError('invalid-request', message);
}
