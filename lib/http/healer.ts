import type { HttpFunction, Request } from '@google-cloud/functions-framework';
import { PageturnerError } from '../core/errors.ts';
import { healRuns } from '../heal-runs.ts';
import { jsonLog } from '../json-log.ts';
import type { Log } from '../ports.ts';
import { defaultRuntime, type Runtime } from '../runtime.ts';
import { admit } from './admit.ts';
import { answerError } from './answer.ts';
import { traced } from './traced.ts';

export interface HealerOptions {
  /** The name that the function is registered and called under; `heal` unless given. */
  readonly name?: string;
  /** E-mail addresses that may call, the scheduler's service account above all; those of PAGETURNER_CALLERS unless given. */
  readonly callers?: readonly string[];
  /** See `healRuns`. */
  readonly quietSeconds?: number;
}

/**
 * The HTTP function that restarts runs whose chain has died, for Cloud Scheduler to call every few minutes. It takes `POST` with an
 * identity token whose audience is the function's own URL, and answers what `healRuns` reports: 200, or 503 when a run could not be
 * healed. A URL with a query is answered 400: it has nothing to set.
 *
 * @example
 * http('heal', healer({ callers: ['scheduler@my-project.iam.gserviceaccount.com'] }));
 */
export function healer(options: HealerOptions = {}, runtime: () => Runtime = defaultRuntime): HttpFunction {
  const { name = 'heal', callers, ...quiet } = options;
  return traced(async (request, response) => {
    let log: Log = jsonLog;
    try {
      const { ports, ...access } = runtime();
      ({ log } = ports);
      await admit(request, name, callers, access);
      if (request.method !== 'POST') {
        const error = { code: 'invalid-request', message: 'Heal runs with POST.' };
        response.set('Allow', 'POST').status(405).json({ error });
        return;
      }
      mustHaveNoQuery(request);
      const report = await healRuns(quiet, ports);
      response.status(report.failed.length === 0 ? 200 : 503).json(report);
    } catch (error) {
      answerError(response, error, log, {
        fields: { healer: name },
        internal: 'The runs could not be looked at; the log says why. Call again.',
      });
    }
  });
}

/** Whoever calls with `?quietSeconds=0` would wait for what does not happen. */
function mustHaveNoQuery({ query }: Request): void {
  const [given] = Object.keys(query);
  if (given === undefined) return;
  throw new PageturnerError(
    'invalid-request',
    `The URL has ${JSON.stringify(given)}, and may have no query: leave it out. How long a run must be still, its owner says with healer({ quietSeconds: … }).`,
  );
}
