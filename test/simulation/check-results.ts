import type { Run, Shard } from '../../lib/core/run.ts';
import type { History } from './history.ts';
import { callbackNames } from './invariants/callbacks.ts';
import { documentsOf, paramsFor, type Demand } from './left-behind.ts';

/** Each event of a run was told once to the callback that it calls for, and to no other. */
export function checkCallbacks(history: History, run: Run, demand: Demand): void {
  const called = documentsOf<{ callback: string; run: string; key: string }>(history, 'callbacks').filter(
    (record) => record.run === run.id,
  );
  const told = paramsFor(history, 'tell', run);
  for (const name of callbackNames) {
    const due = history.walk.hasCallbacks ? history.callbacks.count(run.id, name) : 0;
    const records = called.filter(({ callback }) => callback === name);
    demand(records.length === due, `${name} was due ${due} times, and took effect ${records.length} times`);
    const keys = new Set(records.map(({ key }) => key)).size;
    demand(keys === records.length, `${records.length} calls of ${name} had ${keys} idempotency keys`);
    const children = told.filter(({ callback }) => callback === name).length;
    demand(children === due, `${name} was due ${due} times, and its child was started ${children} times`);
  }
}

/** The states of the shards hold the documents that took effect, each once, and so does the run's. */
export function checkState(history: History, run: Run, demand: Demand): void {
  if (!history.walk.hasState) return;
  const effects = documentsOf<{ of: string; run: string }>(history, 'effects')
    .filter((effect) => effect.run === run.id)
    .map(({ of }) => of)
    .toSorted()
    .join();
  const shards = documentsOf<Shard>(history, `pageturnerRuns/${run.id}/shards`);
  const carried = shards
    .flatMap(({ result }) => seenIn(result))
    .toSorted()
    .join();
  demand(carried === effects, `the states of the shards hold ${carried}, and ${effects} took effect`);
  if (run.state !== 'completed') return;
  const reduced = seenIn(run.result).toSorted().join();
  demand(reduced === effects, `the reduced state holds ${reduced}, and ${effects} took effect`);
}

function seenIn(text: string | undefined): readonly string[] {
  return text === undefined ? [] : (JSON.parse(text) as { seen: string[] }).seen;
}

/** A run that completed and was not the last is followed by one. */
export function checkRepetition(run: Run, runs: readonly Run[], demand: Demand): void {
  const { id, state, repeat, nextRun } = run;
  if (state === 'completed' && repeat !== undefined)
    demand(nextRun !== undefined, `run ${id} completed, and no run follows it`);
  if (nextRun === undefined) return;
  demand(
    runs.some((other) => other.id === nextRun),
    `run ${nextRun} is to follow ${id}, and is not there`,
  );
}
