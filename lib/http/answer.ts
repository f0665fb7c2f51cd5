import type { Response } from '@google-cloud/functions-framework';
import { PageturnerError, type ErrorCode } from '../core/errors.ts';
import type { Log, Severity } from '../ports.ts';

const statuses: Readonly<Record<ErrorCode, number>> = {
  'invalid-definition': 500,
  'invalid-parameters': 400,
  'invalid-query': 500,
  'invalid-state': 409,
  'invalid-request': 400,
  unauthenticated: 401,
  forbidden: 403,
  'too-early': 503,
  held: 503,
  'too-large': 500,
  'deadline-exceeded': 504,
  misconfigured: 500,
  unavailable: 503,
};

export interface AnswerContext {
  /** Logged with the error. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What the caller is told of an error that is not Pageturner's own: what it means, without what it is. */
  readonly internal: string;
}

/**
 * The one place where an error becomes an answer. What Pageturner throws is told to the caller; anything else is the user's code or
 * the platform, goes to the log whole, and leaves as `internal` with the text given for it.
 */
export function answerError(
  response: Response,
  error: unknown,
  log: Log,
  { fields, internal }: AnswerContext,
): void {
  if (error instanceof PageturnerError) {
    const status = statuses[error.code];
    log.write(severityOf(error.code, status), error.message, { ...fields, code: error.code });
    if (status === 401) response.set('WWW-Authenticate', 'Bearer');
    response.status(status).json({ error: { code: error.code, message: error.message } });
    return;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // Error Reporting groups by the stack, wherever the message may be cut.
  log.write('ERROR', text, error instanceof Error ? { ...fields, stack_trace: text } : fields);
  response.status(500).json({
    error: { code: 'internal', message: internal },
  });
}

function severityOf(code: ErrorCode, status: number): Severity {
  // Whoever waits for another delivery does so again and again, and nothing is wrong.
  if (code === 'held') return 'INFO';
  return status >= 500 && code !== 'too-early' ? 'ERROR' : 'WARNING';
}
