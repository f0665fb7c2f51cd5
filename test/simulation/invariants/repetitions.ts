import type { Run } from '../../../lib/core/run.ts';
import type { Observer, Report } from './observer.ts';

/** Runs that follow one another do so one by one, each begun by the completion of the one before, and by nothing else. */
export class Repetitions implements Observer {
  readonly #report: Report;
  /** The newest run of each row, by the first one's id. */
  readonly #newest = new Map<string, Run>();

  readonly #begun: () => void;

  /** @param begun called with each run that follows another */
  constructor(begun: () => void, report: Report) {
    this.#begun = begun;
    this.#report = report;
  }

  runWritten(before: Run | undefined, after: Run): void {
    const { id, state, nextRun, repetition = 0, repeatOf = id } = after;
    const newest = this.#newest.get(repeatOf);
    if (before === undefined && newest !== undefined) this.#mustFollow(after, newest);
    if (repetition >= (newest?.repetition ?? 0)) this.#newest.set(repeatOf, after);
    if (nextRun !== before?.nextRun && (before?.nextRun !== undefined || state !== 'completed'))
      this.#report(`run ${id} is ${state}, and names a run that follows it`);
  }

  #mustFollow({ id, repetition = 0 }: Run, before: Run): void {
    this.#begun();
    if (repetition !== (before.repetition ?? 0) + 1)
      this.#report(`repetition ${repetition} began behind repetition ${before.repetition ?? 0}`);
    if (before.state !== 'completed' || before.nextRun !== id)
      this.#report(`repetition ${repetition} began while the run before it was ${before.state}`);
    if (before.repeat === undefined) this.#report('a run follows one that was the last');
  }
}
