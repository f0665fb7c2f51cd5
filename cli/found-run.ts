import { getRun, type RunSummary } from '../lib/index.ts';
import { CliError } from './error.ts';

/** The run that somebody named. @throws CliError `refused` when there is none */
export async function foundRun(...asked: Parameters<typeof getRun>): Promise<RunSummary> {
  const run = await getRun(...asked);
  if (run !== undefined) return run;
  throw new CliError(
    'refused',
    `There is no run ${asked[0] || 'without a name'}.`,
    '`pageturner runs list` shows the newest ones.',
  );
}
