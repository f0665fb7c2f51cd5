import type { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import type { HandlerContext } from '../../lib/core/context.ts';
import { FatalTaskError } from '../../lib/core/errors.ts';
import type { OnError } from '../../lib/core/failure-rules.ts';
import type { Adversary } from './adversary.ts';
import { sleep } from './engine-queue.ts';
import { callbackNames, type Callback, type Callbacks } from './invariants/callbacks.ts';
import type { Failures } from './invariants/failures.ts';
import type { Report } from './invariants/observer.ts';
import { servedPlace } from './place.ts';

/** What a document does to the handler that takes it. */
type Temper =
  /** It takes its time, so often. */
  | {
      readonly kind: 'slow';
      readonly ms: number;
      readonly heeds: 'nothing' | 'signal' | 'remaining';
      timesLeft: number;
    }
  /** Its process dies of it, so often. */
  | { readonly kind: 'deadly'; timesLeft: number }
  /** The handler throws. */
  | { readonly kind: 'poison'; readonly isFatal: boolean; timesLeft: number }
  /** The handler sets it aside by itself. */
  | { readonly kind: 'refused' };

/** What a handler is told of its time. */
type Time = Pick<HandlerContext, 'signal' | 'remaining'>;

/** What is wrong with the user's code, and which documents bring it out, until somebody mends it. */
export class Tempers {
  readonly #clock: VirtualClock;
  readonly #adversary: Adversary;
  readonly #failures: Failures;
  readonly #callbacks: Callbacks;
  readonly #report: Report;
  readonly #tempers = new Map<string, Temper>();
  #failingCompletions: number;
  /** How often each callback fails. */
  readonly #failingCallbacks: Map<Callback, number>;
  #isMended = false;
  /** Whether the code that is deployed during the walk has a schema which refuses the parameters. */
  readonly #isNarrow: boolean;

  constructor(
    clock: VirtualClock,
    adversary: Adversary,
    failures: Failures,
    callbacks: Callbacks,
    report: Report,
  ) {
    this.#report = report;
    this.#callbacks = callbacks;
    this.#clock = clock;
    this.#adversary = adversary;
    this.#failures = failures;
    this.#failingCompletions = adversary.chance.pick([0, 0, 0, 1, 2, 5]);
    this.#failingCallbacks = new Map(
      callbackNames.map((name) => [name, adversary.chance.pick([0, 0, 1, 4])]),
    );
    this.#isNarrow = adversary.chance.happens(0.2);
  }

  /** Gives some of the documents a temper. */
  assign(paths: readonly string[], onError: OnError): void {
    const { chance } = this.#adversary;
    for (const kind of ['slow', 'deadly', 'poison', 'refused'] as const) {
      if (!chance.happens(kind === 'deadly' ? 0.15 : 0.4)) continue;
      for (let count = chance.between(1, kind === 'slow' ? 8 : 3); count > 0; count -= 1) {
        this.#tempers.set(chance.pick(paths), this.#draw(kind, onError));
      }
    }
  }

  /** What is like a document that is poison is poison too. */
  copy(from: string, to: string): void {
    const temper = this.#tempers.get(from);
    if (temper?.kind === 'poison') this.#tempers.set(to, { ...temper, timesLeft: Infinity });
  }

  #draw(kind: Temper['kind'], onError: OnError): Temper {
    const { chance } = this.#adversary;
    switch (kind) {
      case 'slow':
        return {
          kind,
          ...chance.pick([
            { ms: chance.between(1_000, 6_000), timesLeft: Infinity },
            { ms: chance.between(1_000, 6_000), timesLeft: Infinity },
            { ms: chance.between(12_000, 80_000), timesLeft: chance.between(1, 2) },
          ]),
          heeds: chance.pick(['nothing', 'signal', 'remaining']),
        };
      case 'deadly':
        // Nobody but who asked for documents to be set aside gets rid of one that never ceases.
        return {
          kind,
          timesLeft: onError === 'quarantine' ? chance.pick([2, 8, Infinity]) : chance.between(1, 6),
        };
      case 'poison':
        return { kind, isFatal: chance.happens(0.1), timesLeft: chance.pick([1, 2, Infinity]) };
      case 'refused':
        return { kind };
    }
  }

  /** Somebody mends the code. */
  mend(): void {
    this.#isMended = true;
  }

  /** Whether the parameters do not fit a deployment of the code. */
  isMisfit(generation: number): boolean {
    const isMisfit = this.#isNarrow && generation > 1 && !this.#isMended;
    if (isMisfit) this.#adversary.struck('misfit');
    return isMisfit;
  }

  isRefused(path: string): boolean {
    const isRefused = !this.#isMended && this.#tempers.get(path)?.kind === 'refused';
    if (isRefused) this.#adversary.struck('quarantine');
    return isRefused;
  }

  /** What becomes of a handler that has the document before it. */
  async meet(path: string, time: Time): Promise<void> {
    const temper = this.#tempers.get(path);
    if (temper?.kind === 'slow' && temper.timesLeft > 0) {
      temper.timesLeft -= 1;
      await this.#takeTime(temper, time);
    }
    if (temper?.kind === 'deadly' && temper.timesLeft > 0 && !this.#isMended) {
      temper.timesLeft -= 1;
      await this.#die();
    }
    if (temper?.kind !== 'poison' || temper.timesLeft === 0 || this.#isMended) return;
    temper.timesLeft -= 1;
    this.#fail(`${path} is poison`, temper.isFatal);
  }

  async #takeTime({ ms, heeds }: Temper & { readonly kind: 'slow' }, time: Time): Promise<void> {
    const { signal } = time;
    this.#adversary.struck('slowDocument');
    const aborted = new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
    });
    if (heeds === 'signal') await Promise.race([sleep(this.#clock, ms), aborted]);
    else await sleep(this.#clock, heeds === 'remaining' ? Math.min(ms, time.remaining()) : ms);
    // Nobody stops the time of a process that is dead.
    if (servedPlace.getStore()?.process.isDead === true) return;
    const isOver = time.remaining() === 0;
    if (isOver) this.#adversary.struck('timeUp');
    if (isOver !== signal.aborted)
      this.#report(
        `a handler has ${time.remaining()} ms left, and its signal is ${isOver ? 'not ' : ''}aborted`,
      );
    if (heeds !== 'nothing') signal.throwIfAborted();
  }

  async #die(): Promise<never> {
    this.#adversary.struck('deadlyDocument');
    servedPlace.getStore()?.process.kill();
    return await new Promise(() => {});
  }

  meetCompletion(): void {
    if (this.#failingCompletions === 0 || this.#isMended) return;
    this.#failingCompletions -= 1;
    this.#fail('the completion fails', false);
  }

  /** What becomes of a callback, which has its idempotency key. */
  meetCallback(name: Callback, key: string): void {
    const timesLeft = this.#failingCallbacks.get(name) ?? 0;
    if (timesLeft === 0) return;
    this.#failingCallbacks.set(name, timesLeft - 1);
    const isFatal = this.#adversary.chance.happens(0.1);
    this.#adversary.struck('callbackFailure');
    // No two are the same, so that what is kept of one is told from what is kept of another.
    const message = `${name} fails, failure ${this.#adversary.strikesOf.get('callbackFailure')}`;
    // What is no turn of its own fails with the run.
    if (name === 'onStart') this.#fail(message, isFatal);
    this.#callbacks.threw(key, isFatal);
    throw isFatal ? new FatalTaskError(message) : new Error(message);
  }

  /** The user's code fails, whatever it has before it, until somebody mends it. */
  failForGood(message: string): void {
    if (!this.#isMended) this.#fail(message, true);
  }

  #fail(message: string, isFatal: boolean): never {
    const place = servedPlace.getStore();
    if (place === undefined) throw new Error('a handler was called without a delivery');
    this.#adversary.struck('userFailure');
    this.#failures.happened(place, isFatal);
    throw isFatal ? new FatalTaskError(message) : new Error(message);
  }
}
