import type { Run, Shard } from '../../lib/core/run.ts';
import type { History } from './history.ts';

/** Every promise that a history broke, in words; none when all is well. */
export function violationsOf(history: History): string[] {
  const { lasting, left, isEndless, log, breaches } = history;
  const violations: string[] = [...breaches];
  const demand = (isHeld: boolean, violation: string): void => {
    if (!isHeld) violations.push(violation);
  };
  demand(!isEndless, 'the history does not end');
  demand(left === 0, `${left} tasks are left in the queues`);

  const runs = documentsOf<Run>(history, 'pageturnerRuns');
  demand(runs.length === 1, `there are ${runs.length} runs instead of 1`);
  const [run] = runs;
  if (run === undefined) return violations;
  const isCanceled = run.state === 'canceled' && history.strikes.has('cancel');
  demand(run.state === 'completed' || isCanceled, `the run is ${run.state}`);

  const effects = tally(documentsOf<{ of: string }>(history, 'effects').map(({ of }) => of));
  for (const path of isCanceled ? [] : lasting) demand(effects.has(path), `${path} took no effect`);
  for (const [path, count] of effects) demand(count === 1, `${path} took effect ${count} times`);

  const children = tally(
    bodiesFor(history, 'child').map((body) => (body as { params: { path: string } }).params.path),
  );
  for (const path of effects.keys()) demand(children.has(path), `the child of ${path} was not started`);
  for (const [path, count] of children) {
    demand(count === 1, `the child of ${path} was started ${count} times`);
    demand(effects.has(path), `the child of ${path} was started without its effect`);
  }

  const shards = documentsOf<Shard>(history, `pageturnerRuns/${run.id}/shards`);
  const processed = shards.reduce((sum, shard) => sum + shard.processed, 0);
  const started = shards.reduce((sum, shard) => sum + shard.started, 0);
  demand(
    processed === effects.size,
    `the shards count ${processed} documents, and ${effects.size} took effect`,
  );
  demand(
    started === children.size,
    `the shards count ${started} children, and ${children.size} were started`,
  );
  const completions = documentsOf<{ processed: number }>(history, 'completions');
  const reports = bodiesFor(history, 'report').length;
  if (isCanceled) {
    demand(completions.length === 0, 'a canceled run completed');
    demand(reports === 0, 'a canceled run started the child of its completion');
  } else {
    demand(completions.length === 1, `completion took effect ${completions.length} times`);
    // A completion that dies between its commit and its enqueueing is made good by its task's next delivery, while there is its task.
    const isTaskTaken = history.strikes.has('purge') || history.strikes.has('deleteTask');
    demand(reports === 1 || isTaskTaken, `the child of the completion was started ${reports} times`);
    demand(run.processed === effects.size, `the run counts ${run.processed} of ${effects.size} documents`);
    const told = completions[0]?.processed;
    demand(told === effects.size, `completion was told of ${told} documents`);
  }

  for (const { severity, message } of history.strikes.has('forgedCursor') ? [] : log.entries) {
    demand(severity !== 'ERROR' || !message.includes('cursor'), message);
  }
  return violations;
}

function documentsOf<T>({ db }: History, collection: string): T[] {
  return db.documentsIn([collection]).map((document) => document.data() as T);
}

function bodiesFor({ created }: History, worker: string): unknown[] {
  return created.filter((task) => task.worker === worker).map(({ body }) => JSON.parse(body) as unknown);
}

function tally(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
