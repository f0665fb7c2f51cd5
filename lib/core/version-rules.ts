import { command, failed } from './control.ts';
import type { IterativeTask } from './definition.ts';
import { PageturnerError } from './errors.ts';
import { parseParameters } from './parameters.ts';
import type { Run, RunChange, RunRecords } from './run.ts';
import { permits } from './transition.ts';
import type { Version } from './version.ts';

/** Whether a worker's code is right for a run; if so, with the run's parameters as its schema gives them. */
export type Fit =
  | { readonly kind: 'fits'; readonly params: unknown }
  | {
      readonly kind: 'misfit';
      readonly remedy: 'pause' | 'fail';
      readonly reason: string;
      readonly offeredVersion?: Version;
    };

/** Asked before the user's code is called for a run. A task that declares no version takes every run. */
export function fitOf(task: IterativeTask, run: Run): Fit {
  const { version, onOtherVersion = 'pause', name } = task;
  const known = run.versions ?? [];
  if (version !== undefined && onOtherVersion !== 'continue' && !known.includes(version)) {
    const has = known.length === 0 ? 'no version' : `version ${known.join(' and ')}`;
    const next = onOtherVersion === 'pause' ? 'Resume' : 'Retry';
    const reason = `The worker has version ${version} of "${name}", and the run has ${has}. ${next} the run to have version ${version} go on with it.`;
    return { kind: 'misfit', remedy: onOtherVersion, reason, offeredVersion: version };
  }
  try {
    return { kind: 'fits', params: parseParameters(name, task.params, JSON.parse(run.params)) };
  } catch (error) {
    if (!(error instanceof PageturnerError)) throw error;
    const reason = `${error.message.slice(0, 400)}. Resume the run when the worker's schema takes them.`;
    return { kind: 'misfit', remedy: 'pause', reason };
  }
}

/**
 * The run as a worker leaves it that it does not fit: pausing or failed, and knowing which version it may take on. Undefined when it
 * fits after all, or does not go on anyway.
 */
export function refused(task: IterativeTask, found: RunRecords, at: number): RunChange | undefined {
  const fit = fitOf(task, found.run);
  if (fit.kind === 'fits') return undefined;
  const cause = { at, by: 'worker', reason: fit.reason };
  const change =
    fit.remedy === 'fail'
      ? failed(found, { message: fit.reason, at }, cause)
      : permits(found.run.state, 'pause')
        ? command(found, 'pause', cause)
        : undefined;
  if (change?.run === undefined || fit.offeredVersion === undefined) return change;
  return { ...change, run: { ...change.run, offeredVersion: fit.offeredVersion } };
}
