import { derivedTaskId } from '../../../lib/core/names.ts';
import type { Run } from '../../../lib/core/run.ts';
import { servedPlace } from '../place.ts';
import type { Observer, Report } from './observer.ts';

export const callbackNames = ['onStart', 'onPause', 'onCancel', 'onError'] as const;
export type Callback = (typeof callbackNames)[number];

/**
 * What happened to runs that calls for callbacks, and what became of these: each is made in its turn, and not again by a delivery that
 * comes after it was, and none is given up before its budget is used up.
 */
export class Callbacks implements Observer {
  readonly #budget: number;
  readonly #report: Report;
  readonly #due = new Map<string, number>();
  readonly #givenUp = new Map<string, number>();
  /** What was thrown of each that is not through, by its idempotency key. */
  readonly #thrown = new Map<string, number>();
  /** Those that are through, by their idempotency keys, in the order in which they were. */
  readonly #settled = new Map<string, number>();

  /** @param budget with how many failures at least one is given up, unless one is fatal */
  constructor(budget: number, report: Report) {
    this.#budget = budget;
    this.#report = report;
  }

  /** How many are through. */
  get through(): number {
    return this.#settled.size;
  }

  /** The user's code is called for it. */
  called(name: Callback | 'onComplete', key: string): void {
    // One that hangs until its time is over fails as well, and cannot say so: each call may be a failure.
    this.#thrown.set(key, (this.#thrown.get(key) ?? 0) + 1);
    const settledAs = this.#settled.get(key);
    const since = servedPlace.getStore()?.since ?? 0;
    if (settledAs !== undefined && settledAs <= since)
      this.#report(`${name} was called again after it had taken effect`);
  }

  /** The user's code has thrown in it. */
  threw(key: string, isFatal: boolean): void {
    if (isFatal) this.#thrown.set(key, Infinity);
  }

  runWritten(before: Run | undefined, after: Run): void {
    const callback = calledFor(before?.state, after.state);
    if (callback !== undefined) add(this.#due, `${after.id}/${callback}`);
    if (callback === 'onStart') this.#settle(derivedTaskId(after.id, 'start'));
    if (after.hasCompleted === true && before?.hasCompleted !== true)
      this.#settle(derivedTaskId(after.id, 'finish'));
    this.#owedWritten(before, after);
  }

  #owedWritten(before: Run | undefined, after: Run): void {
    const [next] = before?.owed ?? [];
    if (next === undefined) return;
    const key = derivedTaskId(after.id, 'callback', next.number);
    const thrown = this.#thrown.get(key) ?? 0;
    const now = after.owed?.find(({ number }) => number === next.number);
    const counted = now?.failures ?? 0;
    if (counted > thrown)
      this.#report(`${counted} failures of ${next.name} were counted, and ${thrown} had happened`);
    const gone = (before?.owed ?? []).filter(
      (owed) => !after.owed?.some(({ number }) => number === owed.number),
    );
    if (gone.length > (now === undefined ? 1 : 0)) this.#report(`callbacks were made out of their order`);
    if (now !== undefined) return;
    this.#settle(key);
    const [told, stood] = [after.callbackError, before?.callbackError].map((error) => JSON.stringify(error));
    if (told === stood || next.name === 'parent') return;
    add(this.#givenUp, `${after.id}/${next.name}`);
    if (thrown < this.#budget)
      this.#report(`${next.name} was given up with ${thrown} failures of a budget of ${this.#budget}`);
  }

  #settle(key: string): void {
    this.#settled.set(key, this.#settled.size + 1);
  }

  /** How often a callback was to take effect for a run: once for each event that was not given up. */
  count(run: string, callback: Callback): number {
    const of = `${run}/${callback}`;
    return (this.#due.get(of) ?? 0) - (this.#givenUp.get(of) ?? 0);
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function calledFor(before: Run['state'] | undefined, after: Run['state']): Callback | undefined {
  if (before === undefined || before === after) return undefined;
  switch (after) {
    case 'running':
      return before === 'starting' ? 'onStart' : undefined;
    case 'paused':
      return 'onPause';
    case 'canceled':
      return 'onCancel';
    case 'failed':
      return 'onError';
    case 'starting':
    case 'pausing':
    case 'canceling':
    case 'completing':
    case 'completed':
      return undefined;
  }
}
