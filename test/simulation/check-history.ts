import type { Child } from '../../lib/core/child.ts';
import type { Run, Shard } from '../../lib/core/run.ts';
import { checkDryRun } from './check-dry-run.ts';
import { checkCallbacks, checkRepetition, checkState } from './check-results.ts';
import type { History } from './history.ts';
import { childrenOf, documentsOf, paramsFor, type Demand } from './left-behind.ts';

/** Every promise that a history broke, in words; none when all is well. */
export function violationsOf(history: History): string[] {
  const { left, isEndless, log, breaches, walk } = history;
  const violations: string[] = [...breaches];
  const demand: Demand = (isHeld, violation) => {
    if (!isHeld) violations.push(violation);
  };
  demand(!isEndless, 'the history does not end');
  demand(left === 0, `${left} tasks are left in the queues`);
  const all = documentsOf<Run>(history, 'pageturnerRuns');
  for (const run of all.filter(({ task }) => task === 'branch')) checkBranch(history, run, demand);
  const runs = all.filter(({ task }) => task === 'walk');
  const [dry, real] = [runs.filter(({ isDryRun }) => isDryRun), runs.filter(({ isDryRun }) => !isDryRun)];
  const started = real.filter(({ repetition }) => repetition === undefined).length;
  demand(started === 1 || (walk.isKeyed && started > 1), `there are ${started} runs instead of 1`);
  for (const run of real) {
    checkRun(history, run, demand);
    checkCallbacks(history, run, demand);
    checkState(history, run, demand);
    checkRepetition(run, real, demand);
  }
  for (const run of dry) checkDryRun(history, run, demand);
  for (const { severity, message } of history.strikes.has('forgedCursor') ? [] : log.entries) {
    demand(severity !== 'ERROR' || !message.includes('cursor'), message);
  }
  return violations;
}

function checkRun(history: History, run: Run, demand: Demand): void {
  const isCanceled = run.state === 'canceled' && history.strikes.has('cancel');
  demand(run.state === 'completed' || isCanceled, `the run is ${run.state}`);
  const effects = checkEffects(history, run, isCanceled, demand);
  const children = checkChildren(history, run, effects, demand);
  const shards = documentsOf<Shard>(history, `pageturnerRuns/${run.id}/shards`);
  const sum = (count: 'processed' | 'started'): number =>
    shards.reduce((total, shard) => total + shard[count], 0);
  demand(
    sum('processed') === totalOf(effects),
    `the shards count ${sum('processed')} documents, and ${totalOf(effects)} took effect`,
  );
  demand(
    sum('started') === totalOf(children),
    `the shards count ${sum('started')} children, and ${totalOf(children)} were started`,
  );
  const setAside = documentsOf(history, `pageturnerRuns/${run.id}/setAside`).length;
  demand(isCanceled || setAside === 0, `${setAside} documents are still set aside`);
  checkCompletion(history, run, totalOf(effects), demand);
}

/** Each document took effect once, those of a canceled run at most once, those that were moved in the walk's order as often as it met them. */
function checkEffects(
  history: History,
  run: Run,
  isCanceled: boolean,
  demand: Demand,
): ReadonlyMap<string, number> {
  const ofRun = documentsOf<{ of: string; run: string }>(history, 'effects').filter(
    (effect) => effect.run === run.id,
  );
  const effects = tally(ofRun.map(({ of }) => of));
  for (const path of isCanceled ? [] : history.lasting) demand(effects.has(path), `${path} took no effect`);
  for (const [path, count] of effects)
    demand(count === 1 || history.moved.has(path), `${path} took effect ${count} times`);
  return effects;
}

/** Each effect of a document started its child, once, and nothing else did. */
function checkChildren(
  history: History,
  run: Run,
  effects: ReadonlyMap<string, number>,
  demand: Demand,
): ReadonlyMap<string, number> {
  const children = tally(childrenOf(history, run).map(({ path }) => path ?? ''));
  for (const path of effects.keys()) demand(children.has(path), `the child of ${path} was not started`);
  for (const [path, count] of children) {
    const due = effects.get(path) ?? 0;
    demand(count <= 1 || count <= due, `the child of ${path} was started ${count} times`);
    demand(count >= due, `the child of ${path} was started ${count} times for ${due} effects`);
    demand(due > 0, `the child of ${path} was started without its effect`);
  }
  return children;
}

function checkCompletion(history: History, run: Run, processed: number, demand: Demand): void {
  const completions = documentsOf<{ processed: number; failedChildren: number; run: string }>(
    history,
    'completions',
  ).filter((completion) => completion.run === run.id);
  const reports = paramsFor(history, 'report', run).length;
  if (run.state === 'canceled' && run.hasCompleted !== true) {
    demand(completions.length === 0, 'a canceled run completed');
    demand(reports === 0, 'a canceled run started the child of its completion');
    return;
  }
  demand(completions.length === 1, `completion took effect ${completions.length} times`);
  demand(reports === 1, `the child of the completion was started ${reports} times`);
  if (run.state !== 'completed') return;
  demand(run.processed === processed, `the run counts ${run.processed} of ${processed} documents`);
  const open = documentsOf<Child>(history, `pageturnerRuns/${run.id}/children`).filter(
    ({ state }) => state === 'open',
  );
  demand(open.length === 0, `${open.length} children of a completed run are open`);
  // What was set aside then and taken again since, completion was not told of.
  const isTakenAgain = run.history.filter(({ event }) => event === 'completed').length > 1;
  const failed = completions[0]?.failedChildren ?? 0;
  demand(
    failed === (run.failedChildren ?? 0) || isTakenAgain,
    `completion was told of ${failed} children that failed, and the run counts ${run.failedChildren}`,
  );
  const told = completions[0]?.processed ?? 0;
  demand(
    told === processed || (isTakenAgain && told < processed),
    `completion was told of ${told} documents`,
  );
}

/** A run that another one may wait for took effect once for each document that it walked over. */
function checkBranch(history: History, run: Run, demand: Demand): void {
  const isCanceled = run.state === 'canceled' && history.strikes.has('cancel');
  demand(run.state === 'completed' || isCanceled, `a child run is ${run.state}`);
  const leaves = documentsOf<{ of: string; run: string }>(history, 'leaves').filter(
    (leaf) => leaf.run === run.id,
  );
  const effects = tally(leaves.map(({ of }) => of));
  demand(isCanceled || effects.size === 2, `a child run took effect on ${effects.size} documents of 2`);
  for (const [path, count] of effects) demand(count === 1, `${path} took effect ${count} times`);
}

function totalOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function tally(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
