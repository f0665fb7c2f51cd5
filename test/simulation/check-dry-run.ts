import { sumOf } from '../../lib/core/effects-report.ts';
import type { Run, Shard } from '../../lib/core/run.ts';
import type { History } from './history.ts';
import { callbackNames } from './invariants/callbacks.ts';
import { documentsOf, paramsFor, type Demand } from './left-behind.ts';

/** A dry run did nothing of what its handlers asked for, and reports all of it. */
export function checkDryRun(history: History, run: Run, demand: Demand): void {
  const isCanceled = run.state === 'canceled' && history.strikes.has('cancel');
  demand(run.state === 'completed' || isCanceled, `the dry run is ${run.state}`);
  for (const trace of ['effects', 'completions', 'callbacks']) {
    const left = documentsOf<{ run: string }>(history, trace).filter((record) => record.run === run.id);
    demand(left.length === 0, `a dry run left ${left.length} ${trace} behind`);
  }
  for (const worker of ['child', 'branch', 'report', 'tell'])
    demand(paramsFor(history, worker, run).length === 0, `a dry run started a task for ${worker}`);
  demand(run.nextRun === undefined, 'a run follows a dry run');

  const shards = documentsOf<Shard>(history, `pageturnerRuns/${run.id}/shards`);
  const processed = shards.reduce((total, shard) => total + shard.processed, 0);
  const { hasCallbacks } = history.walk;
  const calls = callbackNames.map((name) => (hasCallbacks ? history.callbacks.count(run.id, name) : 0));
  const called = calls.reduce((total, count) => total + count, 0);
  const completions = run.state === 'completed' || run.hasCompleted === true ? 1 : 0;
  const expected = {
    set: processed + completions + called,
    update: processed,
    started: { child: processed, report: completions, tell: called },
  };
  const { set, update, started } = sumOf([run.report, ...shards.map(({ report }) => report)]);
  const { child = 0, branch = 0, report = 0, tell = 0 } = started;
  const reported = { set, update, started: { child: child + branch, report, tell } };
  const [told, due] = [reported, expected].map((counts) => JSON.stringify(counts));
  demand(told === due, `a dry run reports ${told}, and asked for ${due}`);
}
