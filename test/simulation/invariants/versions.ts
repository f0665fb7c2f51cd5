import type { OnOtherVersion } from '../../../lib/core/version.ts';
import type { Run } from '../../../lib/core/run.ts';
import type { Observer, ReadRun, Report } from './observer.ts';

/** A worker of another version does with a run what its policy says. */
export class Versions implements Observer {
  readonly #policy: OnOtherVersion | undefined;
  readonly #readRun: ReadRun;
  readonly #report: Report;

  /** @param policy undefined for a task without versions */
  constructor(policy: OnOtherVersion | undefined, readRun: ReadRun, report: Report) {
    this.#policy = policy;
    this.#readRun = readRun;
    this.#report = report;
  }

  /** A handler of a worker is called for a run. What a run has taken on it never loses, so it stands there still. */
  called(run: string, version: number): void {
    if (this.#policy === undefined || this.#policy === 'continue') return;
    const versions = this.#readRun(run, 'versions') ?? [];
    if (!versions.includes(version))
      this.#report(`version ${version} worked on a run of version ${versions.join(' and ')}`);
  }

  runWritten(before: Run | undefined, after: Run): void {
    if (before === undefined || this.#policy === undefined) return;
    this.#mustBeAsked(before, after);
    if (after.offeredVersion === undefined || after.offeredVersion === before.offeredVersion) return;
    const isObeyed =
      this.#policy === 'fail'
        ? after.state === 'failed'
        : this.#policy === 'pause' && (after.state === 'pausing' || after.state === 'paused');
    if (!isObeyed) this.#report(`the policy is ${this.#policy}, and another version left it ${after.state}`);
  }

  /** A run takes a version on when somebody has it go on, and none but the one that stopped it. */
  #mustBeAsked(before: Run, after: Run): void {
    const added = (after.versions ?? []).filter((version) => before.versions?.includes(version) !== true);
    if (added.length === 0) return;
    const event = after.history.at(-1)?.event ?? '';
    if (!['resume', 'retry'].includes(event) || added.join() !== String(before.offeredVersion))
      this.#report(`a run took on version ${added.join()} by ${event}`);
  }
}
