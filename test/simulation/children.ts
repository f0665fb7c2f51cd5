import type { ChildOptions } from '../../lib/core/context.ts';
import type { Adversary } from './adversary.ts';

/** What the child of a document does, where it does not end well at once. */
export type Behaviour =
  /** Its handler throws, so often or for good. */
  | { readonly kind: 'failing'; readonly isFatal: boolean; timesLeft: number }
  /** It goes on as another task, each time after so many seconds. */
  | { readonly kind: 'repeating'; readonly afterSeconds: readonly number[] }
  /** It is a run, whose handler may throw until somebody mends it. */
  | { readonly kind: 'run'; readonly isFatal: boolean };

/** Which children of a run that waits for them are no plain ones. */
export class Children {
  readonly #adversary: Adversary;
  /** After how many seconds they begin, where that is not at once. */
  readonly #seconds = new Map<string, number>();
  readonly #behaviours = new Map<string, Behaviour>();

  constructor(adversary: Adversary) {
    this.#adversary = adversary;
  }

  /** Has the children of some documents begin later than at once. */
  delay(paths: readonly string[]): void {
    const { chance } = this.#adversary;
    for (let count = chance.pick([0, 0, 2, 4]); count > 0; count -= 1)
      this.#seconds.set(chance.pick(paths), chance.pick([1, 20, 90]));
  }

  /** Has the children of some documents behave so or so. */
  assign(paths: readonly string[]): void {
    const { chance } = this.#adversary;
    for (const kind of ['failing', 'repeating', 'run'] as const) {
      for (let count = chance.between(0, 3); count > 0; count -= 1)
        this.#behaviours.set(chance.pick(paths), this.#draw(kind));
    }
  }

  #draw(kind: Behaviour['kind']): Behaviour {
    const { chance } = this.#adversary;
    switch (kind) {
      case 'failing':
        return { kind, isFatal: chance.happens(0.5), timesLeft: chance.between(1, 5) };
      case 'repeating':
        return {
          kind,
          afterSeconds: Array.from({ length: chance.between(1, 3) }, () => chance.pick([0, 5, 300])),
        };
      case 'run':
        return { kind, isFatal: chance.happens(0.4) };
    }
  }

  /** When the child of a document is to begin: the instant, and how its start asks for it. */
  startOf(path: string, now: number): { readonly due: number; readonly options: ChildOptions } {
    const seconds = this.#seconds.get(path);
    if (seconds === undefined) return { due: 0, options: {} };
    this.#adversary.struck('lateChild');
    // A Date holds whole milliseconds; a queue's rate has things happen between them.
    const due = Math.floor(now) + seconds * 1000;
    return { due, options: path.length % 2 === 0 ? { delay: seconds } : { at: new Date(due) } };
  }

  /** Undefined for a child that ends well at once. */
  of(path: string): Behaviour | undefined {
    return this.#behaviours.get(path);
  }

  /** Whether a child that fails does so this time. */
  fails(path: string): 'for good' | 'once' | false {
    const behaviour = this.of(path);
    if (behaviour?.kind !== 'failing' || (!behaviour.isFatal && behaviour.timesLeft === 0)) return false;
    this.#adversary.struck('childFailure');
    behaviour.timesLeft = Math.max(0, behaviour.timesLeft - 1);
    return behaviour.isFatal ? 'for good' : 'once';
  }
}
