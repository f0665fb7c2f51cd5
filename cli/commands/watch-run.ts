import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { getRun, type RunSummary } from '../../lib/index.ts';
import { newCommand, withProject, type CommonOptions } from '../command.ts';
import { CliError } from '../error.ts';
import { interruptible } from '../interrupt.ts';
import { paint, print, printJsonLine } from '../output.ts';
import type { PlaceOptions } from '../place.ts';
import { useFirestore } from '../use-runs.ts';
import { wholeNumber } from '../whole-number.ts';

type Options = CommonOptions & PlaceOptions & { readonly interval: number };

export function watchCommand(): Command {
  return withProject(
    newCommand('watch', 'follow a run until it ends; status 0 if it completed', 'runs watch 4f1c0a9d'),
  )
    .argument('<run>', 'the id of a run')
    .option('--interval <ms>', 'milliseconds between two looks', wholeNumber(100, 3_600_000), 1_000)
    .action((id: string, options: Options) =>
      interruptible(async (signal) => {
        const run = await watch(id, options, signal);
        if (run.state !== 'completed') process.exitCode = 1;
      }),
    );
}

async function watch(id: string, options: Options, signal: AbortSignal): Promise<RunSummary> {
  await useFirestore(options);
  const show = options.json ? printJsonLine : process.stdout.isTTY ? redraw() : lineOnChange();
  const looks: Look[] = [];
  for (;;) {
    // No run has a name with a slash, and Firestore takes none.
    const run = id.includes('/') ? undefined : await getRun(id);
    signal.throwIfAborted();
    if (!run) {
      throw new CliError(
        'refused',
        `There is no run ${id}.`,
        '`pageturner runs list` shows the newest ones.',
      );
    }
    looks.push({ at: performance.now(), processed: run.processed });
    if (looks.length > keptLooks) looks.shift();
    show({ ...run, documentsPerSecond: rateOf(looks) });
    if (run.endedAt !== undefined) {
      if (!options.json) printEnd(run);
      return run;
    }
    await sleep(options.interval, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

interface Look {
  readonly at: number;
  readonly processed: number;
}

/** The rate is that of the last so many looks. */
const keptLooks = 30;

type Watched = RunSummary & { readonly documentsPerSecond: number };

function rateOf(looks: readonly Look[]): number {
  const [first] = looks;
  const last = looks.at(-1);
  if (first === undefined || last === undefined || last.at === first.at) return 0;
  return Math.round(((last.processed - first.processed) / (last.at - first.at)) * 1000);
}

/** One line that is drawn over. */
function redraw(): (run: Watched) => void {
  return (run) => void process.stdout.write(`\r\u001B[2K${textOf(run)}`);
}

/** A line each time that something has changed, for logs. */
function lineOnChange(): (run: Watched) => void {
  let before = '';
  return (run) => {
    const now = JSON.stringify([run.state, run.processed, run.lastError]);
    if (now !== before) print(textOf(run));
    before = now;
  };
}

function textOf(run: Watched): string {
  const done = run.shards.filter(({ state }) => state === 'done').length;
  return [
    `${run.task} is ${paint('bold', run.state)}`,
    `${run.processed}${run.total === undefined ? '' : ` of ${run.total}`} documents`,
    `${run.pages} pages`,
    `${run.documentsPerSecond}/s`,
    ...(timeLeft(run) ?? []),
    ...(run.quarantined > 0 ? [paint('yellow', `${run.quarantined} set aside`)] : []),
    ...(run.shards.length > 1 ? [`${done} of ${run.shards.length} shards done`] : []),
    ...(run.lastError ? [paint('red', run.lastError.message.split('\n')[0] ?? '')] : []),
  ].join(' · ');
}

/** At the present rate. */
function timeLeft({ total, processed, documentsPerSecond }: Watched): [string] | undefined {
  if (total === undefined || documentsPerSecond === 0 || processed >= total) return undefined;
  const seconds = Math.ceil((total - processed) / documentsPerSecond);
  return [seconds < 120 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`];
}

function printEnd({ id, createdAt, endedAt = createdAt, ...run }: RunSummary): void {
  if (process.stdout.isTTY) print();
  const seconds = ((endedAt.getTime() - createdAt.getTime()) / 1000).toFixed(1);
  print(`Run ${id} is ${run.state} after ${seconds} s, with ${run.processed} documents.`);
  if (run.state !== 'completed') print(`See it with: pageturner runs show ${id}`);
}
