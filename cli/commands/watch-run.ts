import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { RunSummary } from '../../lib/index.ts';
import { newCommand, withProject, type CommonOptions } from '../command.ts';
import { foundRun } from '../found-run.ts';
import { interruptible } from '../interrupt.ts';
import { print, printJsonLine } from '../output.ts';
import type { PlaceOptions } from '../place.ts';
import { drawRun, endOf, lineOf, type Watched } from '../run-view.ts';
import { Screen } from '../screen.ts';
import { useFirestore } from '../use-runs.ts';
import { wholeNumber } from '../whole-number.ts';

type Options = CommonOptions & PlaceOptions & { readonly interval: number };

export function watchCommand(): Command {
  return withProject(
    newCommand(
      'watch',
      'follow a run until it ends; status 0 if it completed',
      'runs watch 4f1c0a9d7be2836510cd',
    ),
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
  using view = viewFor(options);
  const looks: Look[] = [];
  for (;;) {
    const run = await foundRun(id);
    signal.throwIfAborted();
    looks.push({ at: performance.now(), processed: run.processed });
    if (looks.length > keptLooks) looks.shift();
    view.show({ ...run, ...rateOf(looks) });
    if (run.endedAt !== undefined) {
      view[Symbol.dispose]();
      if (!options.json) for (const line of endOf(run)) print(line);
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

function rateOf(looks: readonly Look[]): { recentDocumentsPerSecond?: number } {
  const [first] = looks;
  const last = looks.at(-1);
  if (first === undefined || last === undefined || last.at === first.at) return {};
  // Documents that were taken back, by a retry say, are no negative speed.
  const rate = Math.max(0, ((last.processed - first.processed) / (last.at - first.at)) * 1000);
  return { recentDocumentsPerSecond: Number(rate.toPrecision(3)) };
}

interface View extends Disposable {
  show(run: Watched): void;
}

function viewFor({ json }: Options): View {
  if (json) return onChange(printJsonLine);
  const isTerminal = process.stdout.isTTY && process.env['TERM'] !== 'dumb';
  return isTerminal ? onScreen() : onChange((run) => print(lineOf(run, Date.now())));
}

function onScreen(): View {
  const { stdout } = process;
  const screen = new Screen(stdout);
  return {
    show: (run) => screen.draw(drawRun(run, screen.rows, Date.now())),
    [Symbol.dispose]: () => screen.close(),
  };
}

/** Each time that something has changed, for logs and programs. */
function onChange(say: (run: Watched) => void): View {
  let before = '';
  return {
    show(run) {
      const { recentDocumentsPerSecond: _, ...changing } = run;
      const now = JSON.stringify(changing);
      if (now !== before) say(run);
      before = now;
    },
    [Symbol.dispose]() {},
  };
}
