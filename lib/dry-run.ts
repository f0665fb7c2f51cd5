import { reportOf, sumOf, type EffectsReport } from './core/effects-report.ts';
import type { OutboxTask } from './core/outbox.ts';
import type { Run, RunChange } from './core/run.ts';
import type { Write } from './core/write.ts';
import type { Effects } from './effects.ts';

/** What of a handler's effects is to be done. */
export interface Taken {
  readonly writes: readonly Write[];
  readonly children: readonly OutboxTask[];
  /** Of a dry run, which does nothing of it: what it would have been, together with what was reported before. */
  readonly report?: EffectsReport;
}

/** Every effect that a handler asked for goes through here, on its way to a commit. */
export function taken(run: Run, effects: Effects, before?: EffectsReport): Taken {
  const { writes, children } = effects;
  if (run.isDryRun !== true) return { writes, children };
  return { writes: [], children: [], report: sumOf([before, reportOf(writes, children)]) };
}

/**
 * A change of the run itself, with what a handler asked for added to the report that stands in it: another handler of the run may have
 * added to that since this one was called.
 */
export function withReport(change: RunChange | undefined, report?: EffectsReport): RunChange | undefined {
  if (change?.run === undefined || report === undefined) return change;
  return { ...change, run: { ...change.run, report: sumOf([change.run.report, report]) } };
}
