import { CommanderError } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { CliError } from './error.ts';

/** What the person at the terminal is told of an error: what is wrong, and what to do about it. */
export function asFault(error: unknown): CliError {
  if (error instanceof CliError) return error;
  const message = error instanceof Error ? error.message : String(error);
  const options = { cause: error };
  if (error instanceof CommanderError) {
    const said = message
      .replace(/^error: /, '')
      .replace(
        /^command-argument value ('.*') is invalid for argument '(\S+)'/s,
        'argument <$2> $1 is invalid',
      )
      .replaceAll('\n', ' ');
    return new CliError('usage', said, 'Add --help to see how it is called.', options);
  }
  if (error instanceof ConfigError)
    return new CliError('config', message, 'Mend the file, or give another one.', options);
  if (message.startsWith('Could not load the default credentials'))
    return new CliError('refused', 'This machine has no credentials for Google Cloud.', logIn, options);
  return fromService('The service', error) ?? new CliError('failed', message, debug, options);
}

const logIn = 'Log in with `gcloud auth application-default login`.';
const debug = 'PAGETURNER_DEBUG=1 shows where it comes from.';

const unavailable = 14;

/** What to do about an error of a service, by its gRPC code. */
const nextSteps: Readonly<Record<number, string>> = {
  3: debug,
  4: 'Try again; it may not be reachable from here.',
  5: 'Check the project, the location and the names.',
  7: 'Ask for the role, or give another --project.',
  [unavailable]: 'Try again; it may have ended, or not be reachable from here.',
  16: logIn,
};

/** An error that a service answered with, in its own words; undefined for any other. */
export function fromService(
  service: string,
  error: unknown,
  known: Readonly<Record<number, string>> = {},
): CliError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, details } = error as { readonly code?: unknown; readonly details?: unknown };
  if (typeof code !== 'number') return undefined;
  const text = typeof details === 'string' && details !== '' ? details : error.message;
  // The gRPC client ends so also where it has no note.
  const said = text.replace(/\.?\s*Resolution note:\s*$/, '');
  const next = known[code] ?? nextSteps[code] ?? debug;
  const options = { cause: error };
  return code === unavailable
    ? new CliError('not-running', `${service} does not answer: ${said}`, next, options)
    : new CliError('refused', `${service} refuses: ${said}`, next, options);
}
