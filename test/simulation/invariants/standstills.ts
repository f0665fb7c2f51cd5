import type { Run, Shard } from '../../../lib/core/run.ts';
import { isStopping } from '../../../lib/core/run-state.ts';
import { keyOf, misled, servedPlace, type Place } from '../place.ts';
import type { Observer, ReadRun, Report } from './observer.ts';

/** A handler at its work. */
interface Work {
  readonly place: Place;
  readonly signal: AbortSignal;
}

/**
 * A run that is told to stop stands still when its workers have stopped: no shard is parked under the handler of its present turn, and
 * no run is paused or canceled under its `onComplete`. By force it is, and a handler whose time is over is not waited for. Nothing holds for
 * deliveries that were misled.
 */
export class Standstills implements Observer {
  readonly #readRun: ReadRun;
  readonly #report: Report;
  readonly #atWork = new Map<string, Set<Work>>();
  readonly #forced = new Set<string>();
  /** The epoch of the completion that was cut, by run. */
  readonly #completions = new Map<string, number>();

  constructor(readRun: ReadRun, report: Report) {
    this.#readRun = readRun;
    this.#report = report;
  }

  /** Somebody has a run stopped by force, or may have. */
  forced(run: string): void {
    this.#forced.add(run);
  }

  /** Work begins. It ends when what is returned is called, when its time is over, or with its process. */
  begin(place: Place, signal: AbortSignal): () => void {
    const works = this.#atWork.get(keyOf(place)) ?? new Set();
    this.#atWork.set(keyOf(place), works);
    const work = { place, signal };
    works.add(work);
    return () => works.delete(work);
  }

  shardWritten(run: string, before: Shard | undefined, after: Shard): void {
    if (before?.state !== 'running' || after.state !== 'parked' || !isStopping(this.#readRun(run, 'state')))
      return;
    const { index: shard, turn, epoch } = before;
    if (this.#hasWork({ run, shard }, (place) => place.turn === turn && place.epoch === epoch))
      this.#report('a shard was parked under the handler of its page');
  }

  runWritten(before: Run | undefined, after: Run): void {
    if (before?.state === 'completing' && isStopping(after.state))
      this.#completions.set(after.id, before.epoch);
    if (before === undefined || !isStopping(before.state) || isStopping(after.state)) return;
    const epoch = this.#completions.get(after.id);
    this.#completions.delete(after.id);
    if (after.state !== 'paused' && after.state !== 'canceled') return;
    if (
      epoch !== undefined &&
      this.#hasWork({ run: after.id, shard: 'none' }, (place) => place.epoch === epoch)
    )
      this.#report(`a run was ${after.state} under its onComplete`);
  }

  #hasWork(at: Pick<Place, 'run' | 'shard'>, isMeant: (place: Place) => boolean): boolean {
    const stopper = servedPlace.getStore();
    if (this.#forced.has(at.run) || (stopper !== undefined && misled.has(stopper))) return false;
    return [...(this.#atWork.get(keyOf(at)) ?? [])].some(
      ({ place, signal }) => !place.process.isDead && !signal.aborted && !misled.has(place) && isMeant(place),
    );
  }
}
