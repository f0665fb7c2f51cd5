import type { Run } from '../../../lib/core/run.ts';
import type { Observer, Report } from './observer.ts';

/** No run begins before its time. */
export class Schedules implements Observer {
  readonly #now: () => number;
  readonly #report: Report;

  constructor(now: () => number, report: Report) {
    this.#now = now;
    this.#report = report;
  }

  runWritten(before: Run | undefined, after: Run): void {
    if (before?.at !== after.at && before !== undefined)
      this.#report(`the time of a run went from ${before.at} to ${after.at}`);
    if (before?.state !== 'starting' || after.state !== 'running' || after.at === undefined) return;
    const ms = after.at - this.#now();
    if (ms > 0) this.#report(`a run began ${ms} ms before its time`);
  }
}
