import type { Command } from 'commander';
import { listRuns, listSetAside, type RunSummary } from '../../lib/index.ts';
import { newCommand, newGroup, withProject, type CommonOptions } from '../command.ts';
import { cut, errorText } from '../error-text.ts';
import { fitLastColumn } from '../fit-table.ts';
import { foundRun } from '../found-run.ts';
import { printHistory } from '../history-view.ts';
import { instantText } from '../instant-text.ts';
import { paint, print, printJson, printPairs, printTable } from '../output.ts';
import { paceText, throttleText, waitText } from '../pace-text.ts';
import type { PlaceOptions } from '../place.ts';
import { reportPairs } from '../report-pairs.ts';
import { mostShown, printSetAside } from '../set-aside-view.ts';
import { useFirestore } from '../use-runs.ts';
import { wholeNumber } from '../whole-number.ts';
import { addControls } from './control-runs.ts';
import { watchCommand } from './watch-run.ts';

type Options = CommonOptions & PlaceOptions;

/** Documents that were set aside, for programs. */
const mostListed = 100;

/** `--json` has all of it. */
const longestResult = 200;

export function runsCommand(): Command {
  const runs = newGroup('runs', 'see the runs of iterative tasks, and control them', 'runs list');
  runs.addCommand(
    withProject(newCommand('list', 'list the newest runs', 'runs list --task email-students'))
      .option('--task <name>', 'only the runs of this task')
      .option('--limit <number>', 'how many at most', wholeNumber(1, 1_000), 20)
      .action(list),
  );
  runs.addCommand(
    withProject(newCommand('show', 'show one run with its shards', 'runs show 4f1c0a9d7be2836510cd'))
      .argument('<run>', 'the id of a run')
      .action(show),
  );
  runs.addCommand(watchCommand());
  addControls(runs);
  return runs;
}

async function list(options: Options & { task?: string; limit: number }): Promise<void> {
  await useFirestore(options);
  const { task, limit } = options;
  const runs = await listRuns({ limit, ...(task === undefined ? {} : { task }) });
  if (options.json) return printJson(runs);
  if (runs.length === 0)
    return print(task === undefined ? 'There is no run.' : `There is no run of ${task}.`);
  const head = ['RUN', 'TASK', 'STATE', 'DOCUMENTS', 'PAGES', 'STARTED', 'CREATED (UTC)', 'NOW, LAST ERROR'];
  const rows = runs.map((run) => [
    run.id,
    run.task,
    stateText(run),
    documentsText(run),
    String(run.pages),
    String(run.started),
    instantText(run.createdAt),
    noteText(run),
  ]);
  return printTable(head, fitLastColumn(head, rows));
}

async function show(id: string, options: Options): Promise<void> {
  await useFirestore(options);
  const run = await foundRun(id);
  const setAside = await listSetAside(id, { limit: options.json ? mostListed : mostShown });
  if (options.json) return printJson({ ...run, setAside });
  printPairs([
    ['run', run.id],
    ['task', run.task],
    ['state', stateText(run)],
    ...whyText(run),
    ...(run.versions ? [['version', run.versions.join(', ')] as const] : []),
    ...(run.key === undefined ? [] : [['key', run.key] as const]),
    ...(run.repeat === undefined
      ? []
      : [['repeats', `${run.repeat.after} s after it has completed`] as const]),
    ...(run.repeatOf === undefined ? [] : [['first run', run.repeatOf] as const]),
    ...(run.nextRun === undefined ? [] : [['next run', run.nextRun] as const]),
    ['parameters', JSON.stringify(run.params)],
    ['started by', run.startedBy],
    ['created', run.createdAt.toISOString()],
    ...(run.endedAt ? [['ended', run.endedAt.toISOString()] as const] : []),
    ['documents', documentsText(run)],
    ['pages', String(run.pages)],
    ['tasks started', String(run.started)],
    ...reportPairs(run),
    ...(run.documentsPerSecond === undefined
      ? []
      : [['pace', paceText(run.documentsPerSecond, run.secondsLeft)] as const]),
    ...throttlePairs(run),
    ...(run.result === undefined
      ? []
      : [['result', cut(JSON.stringify(run.result), longestResult)] as const]),
    ...(run.failedChildren === undefined ? [] : [['failed children', String(run.failedChildren)] as const]),
    ...(run.callbackError === undefined
      ? []
      : [['callback error', `${run.callbackError.callback}: ${errorText(run.callbackError)}`] as const]),
    ...(run.lastError ? [['last error', errorText(run.lastError)] as const] : []),
  ]);
  printHistory(run);
  if (run.shards.length > 0) printShards(run);
  for (const { index, lastError } of run.shards) {
    if (lastError === undefined) continue;
    print(paint('red', `Shard ${index} failed last: ${errorText(lastError)}`));
  }
  printSetAside(run, setAside);
}

function printShards({ shards }: RunSummary): void {
  print();
  printTable(
    [
      'SHARD',
      'STATE',
      'TURN',
      'EPOCH',
      'DOCUMENTS',
      'PAGES',
      'SET ASIDE',
      'FAILURES',
      'LAST MOVED',
      'CURSOR',
    ],
    shards.map((shard) => [
      String(shard.index),
      waitText(shard, Date.now()) ?? shard.state,
      String(shard.turn),
      String(shard.epoch),
      String(shard.processed),
      String(shard.pages),
      String(shard.quarantined),
      String(shard.failures),
      shard.updatedAt.toISOString(),
      shard.cursor === null ? '' : JSON.stringify(shard.cursor),
    ]),
  );
}

/** Until when it waits, and its last error. */
function noteText(run: RunSummary): string {
  const waits = waitText(run, Date.now());
  const error = run.lastError === undefined ? undefined : errorText(run.lastError);
  return [waits, error].filter((text) => text !== undefined).join('; ');
}

/** Such as `9 of 12, 3 set aside`. */
function documentsText({ processed, total, quarantined }: RunSummary): string {
  const handled = total === undefined ? String(processed) : `${processed} of ${total}`;
  return quarantined > 0 ? `${handled}, ${paint('yellow', `${quarantined} set aside`)}` : handled;
}

/** How fast it may go and until when it waits, if anything bounds it. */
function throttlePairs(run: RunSummary): (readonly [string, string])[] {
  const [throttled, waits] = [throttleText(run), waitText(run, Date.now())];
  return [
    ...(throttled === undefined ? [] : [['throttled', throttled] as const]),
    ...(waits === undefined ? [] : [['now', waits] as const]),
  ];
}

/** Why it stands still or has ended, where whoever did it said so. */
function whyText({ history, state }: RunSummary): (readonly [string, string])[] {
  if (state !== 'pausing' && state !== 'paused' && state !== 'canceling' && state !== 'canceled') return [];
  const asked = history.findLast(({ event }) => event === 'pause' || event === 'cancel');
  if (asked === undefined) return [];
  return [['why', `${asked.event} by ${asked.by}${asked.reason === undefined ? '' : `: ${asked.reason}`}`]];
}

function stateText({ state, dryRun }: RunSummary): string {
  return dryRun ? `${stateColor(state)} (dry run)` : stateColor(state);
}

function stateColor(state: RunSummary['state']): string {
  switch (state) {
    case 'starting':
    case 'running':
    case 'completing':
      return paint('cyan', state);
    case 'completed':
      return paint('green', state);
    case 'failed':
      return paint('red', state);
    case 'pausing':
    case 'paused':
    case 'canceling':
    case 'canceled':
      return paint('yellow', state);
  }
}
