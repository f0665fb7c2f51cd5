import type { RunSummary, ShardSummary } from '../lib/index.ts';
import { counted } from './counted.ts';
import { errorText } from './error-text.ts';
import { paint } from './output.ts';
import { rateText, timeText, waitText } from './pace-text.ts';

/** A run as it is watched. */
export type Watched = RunSummary & {
  /** Over the last looks; undefined at the first one. */
  readonly recentDocumentsPerSecond?: number;
};

/** Where a run stands, on one line. */
export function lineOf(run: Watched, now: number): string {
  const done = run.shards.filter(({ state }) => state === 'done').length;
  const rate = run.recentDocumentsPerSecond ?? run.documentsPerSecond ?? 0;
  const waits = waitText(run, now);
  const left = secondsLeft(run, waits !== undefined);
  const most = run.throttledTo === undefined ? '' : ` of ${run.throttledTo}/s`;
  return [
    `${run.dryRun ? 'Dry run of ' : ''}${run.task} is ${paint('bold', run.state)}`,
    run.total === undefined
      ? counted(run.processed, 'document')
      : `${run.processed} of ${counted(run.total, 'document')}`,
    counted(run.pages, 'page'),
    `${rateText(rate)}/s${most}`,
    ...(waits === undefined ? [] : [paint('yellow', waits)]),
    ...(left === undefined ? [] : [`${timeText(left)} left`]),
    ...(run.quarantined > 0 ? [paint('yellow', `${run.quarantined} set aside`)] : []),
    ...(run.shards.length > 1 ? [`${done} of ${run.shards.length} shards done`] : []),
    ...(run.lastError ? [paint('red', errorText(run.lastError))] : []),
  ].join(' · ');
}

/** At the present rate; at that of the whole walk where nothing was handled just now. */
function secondsLeft(run: Watched, isWaiting: boolean): number | undefined {
  const { total, state, processed, quarantined, recentDocumentsPerSecond: recent = 0 } = run;
  if (isWaiting || recent === 0 || total === undefined || state !== 'running') return run.secondsLeft;
  return Math.max(0, total - processed - quarantined) / recent;
}

/**
 * A run with its shards, on no more lines than `rows`. Where there are more shards, those are shown that have moved least lately, and
 * the others are counted.
 */
export function drawRun(run: Watched, rows: number, now: number): string[] {
  const room = Math.max(0, rows - 3);
  const isFolded = run.shards.length > room;
  const shown = isFolded ? run.shards.toSorted(slowestFirst).slice(0, Math.max(0, room - 1)) : run.shards;
  const hidden = run.shards.filter((shard) => !shown.includes(shard));
  return [
    lineOf(run, now),
    ...(shown.length > 0 ? [bar(run), paint('dim', head)] : []),
    ...shown.map((shard) => shardLine(shard, now)),
    ...(hidden.length > 0 && rows > 1 ? [paint('dim', foldedLine(hidden))] : []),
  ];
}

function bar({ processed, quarantined, total }: RunSummary): string {
  if (total === undefined || total === 0) return '';
  const share = Math.min(1, (processed + quarantined) / total);
  const full = Math.floor(share * 40);
  return `${'█'.repeat(full)}${'░'.repeat(40 - full)} ${Math.floor(share * 100)} %`;
}

const head = 'SHARD  STATE    DOCUMENTS    PAGES  SET ASIDE  FAILURES  LAST MOVED  LAST ERROR';

function shardLine(shard: ShardSummary, now: number): string {
  const { index, state, processed, pages, quarantined, failures, updatedAt, lastError } = shard;
  const numbers = [String(processed).padStart(9), String(pages).padStart(7)];
  const troubles = [String(quarantined).padStart(9), String(failures).padStart(8)];
  const waits = waitText(shard, now);
  const moved = `${timeText(Math.max(0, Math.floor((now - updatedAt.getTime()) / 1000)))} ago`;
  return [
    String(index).padStart(5),
    paint(state === 'done' ? 'green' : state === 'parked' ? 'yellow' : 'cyan', state.padEnd(7)),
    ...numbers,
    ...troubles,
    moved.padStart(10),
    ...(waits === undefined ? [] : [paint('yellow', waits)]),
    ...(lastError ? [paint('red', errorText(lastError))] : []),
  ].join('  ');
}

function slowestFirst(one: ShardSummary, other: ShardSummary): number {
  const isDone = ({ state }: ShardSummary): number => (state === 'done' ? 1 : 0);
  return isDone(one) - isDone(other) || one.updatedAt.getTime() - other.updatedAt.getTime();
}

function foldedLine(hidden: readonly ShardSummary[]): string {
  const states = ['running', 'parked', 'done'] as const;
  const counts = states.map(
    (state) => [hidden.filter((shard) => shard.state === state).length, state] as const,
  );
  const text = counts.flatMap(([count, state]) => (count > 0 ? [`${count} ${state}`] : [])).join(', ');
  return `and ${hidden.length} more: ${text}`;
}

/** How a run has ended, and where there is more to see than that it completed, the command that shows it. */
export function endOf({ id, createdAt, endedAt = createdAt, ...run }: RunSummary): string[] {
  const { quarantined, failedChildren = 0 } = run;
  const seconds = ((endedAt.getTime() - createdAt.getTime()) / 1000).toFixed(1);
  const handled = `after ${seconds} s, with ${counted(run.processed, 'document')}`;
  const troubles = [
    ...(quarantined > 0 ? [paint('yellow', `${quarantined} set aside`)] : []),
    ...(failedChildren > 0 ? [paint('red', failedChildrenText(failedChildren))] : []),
  ];
  const said = [`${run.dryRun ? 'Dry run' : 'Run'} ${id} is ${run.state} ${handled}`, ...troubles].join('; ');
  const show = `pageturner runs show ${id}`;
  if (run.state !== 'completed') return [`${said}.`, `See it with: ${show}`];
  return troubles.length > 0 ? [`${said}.`, `See them with: ${show}`] : [`${said}.`];
}

function failedChildrenText(count: number): string {
  return count === 1 ? '1 child failed' : `${count} children failed`;
}
