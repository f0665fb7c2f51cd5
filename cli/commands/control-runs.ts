import { hostname, userInfo } from 'node:os';
import type { Command } from 'commander';
import {
  cancelRun,
  getRun,
  healRuns,
  pauseRun,
  resumeRun,
  retryRun,
  stopRepeating,
  throttleRun,
  type HealReport,
  type StopRunOptions,
} from '../../lib/index.ts';
import type { Ports } from '../../lib/ports.ts';
import { newCommand, withPlace, type CommonOptions } from '../command.ts';
import { CliError } from '../error.ts';
import { counted } from '../counted.ts';
import { foundRun } from '../found-run.ts';
import { paint, print, printJson, printTable } from '../output.ts';
import { stopText } from '../pace-text.ts';
import { documentRate } from '../document-rate.ts';
import { useRuns, type RunsOptions } from '../use-runs.ts';
import { wholeNumber } from '../whole-number.ts';

type Options = CommonOptions & RunsOptions & { readonly force?: boolean; readonly reason?: string };

const commands = {
  pause: { does: 'stop a run until it is resumed', call: pauseRun, stops: true },
  resume: { does: 'go on with a paused run at its cursors', call: resumeRun, stops: false },
  cancel: { does: 'end a run for good, without its onComplete', call: cancelRun, stops: true },
  retry: { does: 'take up a failed run, or what was set aside, again', call: retryRun, stops: false },
  'stop-repeating': { does: 'let a run end, and no other follow it', call: stopRepeating, stops: false },
} as const;

/** May say that it was about another run than the one that was named. */
type Call = (id: string, options: StopRunOptions, ports: Ports) => Promise<string | void>;

/** `runs pause`, `runs resume`, `runs cancel`, `runs retry`, `runs stop-repeating`, `runs throttle` and `runs heal`. */
export function addControls(runs: Command): void {
  for (const [name, { does, call, stops }] of Object.entries(commands)) {
    const command = withFunctions(newCommand(name, does, `runs ${name} 4f1c0a9d7be2836510cd`))
      .argument('<run>', 'the id of a run')
      .option('--reason <text>', 'why; kept with the run');
    if (stops) command.option('--force', 'do not wait for pages under way: they take no effect');
    runs.addCommand(command.action((id: string, options: Options) => control(id, call, options)));
  }
  runs.addCommand(
    withFunctions(
      newCommand('throttle', 'have a run go faster or slower', 'runs throttle 4f1c0a9d7be2836510cd 50'),
    )
      .argument('<run>', 'the id of a run')
      .argument('<documents-per-second>', 'all its shards together, at most; none for no limit', documentRate)
      .option('--reason <text>', 'why; kept with the run')
      .action(throttle),
  );
  runs.addCommand(
    withFunctions(newCommand('heal', 'restart the runs whose chain of tasks has died', 'runs heal'))
      .option(
        '--quiet-seconds <number>',
        'how long a run must have been still (default: 600)',
        wholeNumber(0, 86_400),
      )
      .action(heal),
  );
}

function withFunctions(command: Command): Command {
  return withPlace(command)
    .option('--url <url>', 'where the functions are served (default: PAGETURNER_FUNCTIONS_URL, or `dev`)')
    .option(
      '--service-account <email>',
      'as whom the queue calls workers (default: PAGETURNER_SERVICE_ACCOUNT, or that of `dev`)',
    );
}

async function control(id: string, call: Call, options: Options): Promise<void> {
  const ports = await useRuns(options);
  const before = await foundRun(id, ports.store);
  let about: string;
  try {
    const { force = false, reason } = options;
    about =
      (await call(id, { by: localUser(), force, ...(reason === undefined ? {} : { reason }) }, ports)) ?? id;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'invalid-state') throw error;
    const { message } = error as Error;
    // A command can be refused for what a run is that has been followed, too.
    const seen = before.nextRun !== undefined && message.includes(before.nextRun) ? before.nextRun : id;
    throw new CliError('refused', message, `See it with: pageturner runs show ${seen}`, { cause: error });
  }
  const after = await getRun(about, ports.store);
  if (options.json) return printJson(after);
  print(`Run ${paint('bold', about)} of ${before.task} is ${after?.state ?? 'gone'}.`);
  if (after?.stopsBy !== undefined) print(`It ${stopText(after.stopsBy, Date.now())}.`);
  const { offeredVersion } = before;
  if (offeredVersion !== undefined && after?.versions?.includes(offeredVersion) === true)
    print(`Workers of version ${offeredVersion} go on with it now.`);
  if (call === stopRepeating) print('No run follows it.');
  return undefined;
}

async function throttle(id: string, documentsPerSecond: number | null, options: Options): Promise<void> {
  const call: Call = (run, cause, ports) => throttleRun(run, documentsPerSecond, cause, ports);
  await control(id, call, options);
  if (options.json === true) return;
  print(
    documentsPerSecond === null
      ? 'It takes as many documents as it can.'
      : `It takes ${documentsPerSecond} documents/s at most, from the next page of each shard on.`,
  );
}

/** Who is at this machine: no proof, and enough to ask whom. */
function localUser(): string {
  return `${userInfo().username}@${hostname()}`;
}

async function heal(options: Options & { readonly quietSeconds?: number }): Promise<void> {
  const ports = await useRuns(options);
  const { quietSeconds } = options;
  const report = await healRuns(quietSeconds === undefined ? {} : { quietSeconds }, ports);
  if (report.failed.length > 0) process.exitCode = 1;
  if (options.json) return printJson(report);
  print(healedText(report, quietSeconds));
  for (const run of report.healed) print(`  ${run}`);
  if (report.failed.length === 0) return undefined;
  print(paint('red', 'These could not be healed; heal again:'));
  return printTable(
    ['RUN', 'WHY'],
    report.failed.map(({ run, message }) => [run, message]),
  );
}

/** That nothing was restarted right after a purge is no mistake, and there is something to be done about it. */
function healedText({ seen, healed, failed }: HealReport, quietSeconds = 600): string {
  const looked = `${counted(seen, 'run')} ${seen === 1 ? 'was' : 'were'} looked at, and ${healed.length} restarted`;
  if (seen === 0 || healed.length + failed.length > 0) return `${looked}.`;
  return `${looked}: still for less than ${quietSeconds} s (see --quiet-seconds), or the queue holds what carries them on.`;
}
