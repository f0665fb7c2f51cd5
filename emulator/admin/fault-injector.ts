import type { Dispatch, DispatchRequest, DispatchResult } from '../core/dispatch.ts';
import { ApiError } from '../core/errors.ts';
import { queueOfTask } from '../core/names.ts';
import type { Clock } from '../engine/clock.ts';
import { SeededRandom } from '../engine/random.ts';
import type { TaskOperations } from '../engine/tasks.ts';
import { matches, parseFaultRule, urlOf } from './fault-rule.ts';
import type { Chance, CreationFault, DeliveryFault, Fault, FaultRule } from './fault-rule.ts';

/** A rule at work. */
export interface ActiveFault {
  readonly id: string;
  readonly rule: FaultRule;
  /** How many chances it has had. */
  readonly chances: number;
  /** How many of them it took. */
  readonly strikes: number;
}

export interface FaultInjectorOptions {
  readonly clock: Clock;
  /** Any integer; its low 32 bits count. */
  readonly seed: number;
}

const REORDER_WITHIN_MS = 1000;

/**
 * Makes things go wrong by rule, around an engine that knows nothing of it: `wrap` goes around its `Dispatch`, `guardCreate` around its
 * operations. Rules are asked in the order in which they were added, and the first that strikes decides.
 *
 * **Reproducible**: what a `probability` decides about a delivery hangs on the seed, the rule's place, the task's name and the attempt
 * alone, never on what else happens meanwhile or in which order; about a creation, on how many the rule has seen. `nth` and `times`
 * count in the order of events, which repeats in virtual time.
 *
 * @example
 * const faults = new FaultInjector({ clock, seed: 7 });
 * const engine = new Engine({ clock, random, store, sizeOf, dispatch: faults.wrap(dispatch) });
 * faults.guardCreate(engine.tasks);
 * faults.add({ match: { queue: 'mail' }, probability: 0.2, fault: { kind: 'lostResponse' } });
 */
export class FaultInjector {
  readonly #clock: Clock;
  /** What its decisions hang on: the same seed repeats them. */
  readonly seed: number;
  #lastId = 0;
  #rules: { -readonly [Key in keyof ActiveFault]: ActiveFault[Key] }[] = [];
  /** By queue: what lets go of the deliveries that wait to be overtaken. */
  readonly #held = new Map<string, Set<() => void>>();

  constructor({ clock, seed }: FaultInjectorOptions) {
    this.#clock = clock;
    this.seed = seed;
  }

  /**
   * Adds a rule, behind those that are there, and returns its id.
   *
   * @throws ApiError INVALID_ARGUMENT for a rule that cannot be used
   */
  add(rule: FaultRule): string {
    const checked = parseFaultRule(rule);
    this.#lastId += 1;
    const id = String(this.#lastId);
    this.#rules.push({ id, rule: checked, chances: 0, strikes: 0 });
    return id;
  }

  /** Takes a rule away. Returns whether it was there. What it did to a delivery that is out goes on. */
  remove(id: string): boolean {
    const left = this.#rules.filter((active) => active.id !== id);
    const isFound = left.length < this.#rules.length;
    this.#rules = left;
    return isFound;
  }

  /** Takes every rule away; the next one is numbered, and decides, as the first again. */
  clear(): void {
    this.#rules = [];
    this.#lastId = 0;
  }

  list(): readonly ActiveFault[] {
    return this.#rules.map((active) => ({ ...active }));
  }

  /** The attempt with the faults around it. */
  wrap(dispatch: Dispatch): Dispatch {
    return async (request, signal) => {
      const fault = this.#deliveryFaultFor(request);
      // Those that are held now are overtaken by this one: they go when it has ended.
      const overtaken = fault?.kind === 'reorder' ? [] : [...(this.#held.get(request.queue.name) ?? [])];
      const result = await this.#attempt(fault, () => dispatch(request, signal), request, signal);
      for (const letGo of overtaken) letGo();
      return result;
    };
  }

  /**
   * Puts the faults before and after the `create` of these operations. It is replaced in place, so that operations that create
   * through it, and every surface, meet the same faults.
   */
  guardCreate(tasks: Pick<TaskOperations, 'create'>): void {
    const create = tasks.create.bind(tasks);
    tasks.create = (parent, input) => {
      const chance = { queueName: parent, taskName: input.name, url: urlOf(input.target) };
      const fault = this.#strike(isCreationFault, chance);
      if (fault === undefined) return create(parent, input);
      if (fault.when === 'after') create(parent, input);
      throw new ApiError('UNAVAILABLE', 'The service is currently unavailable.');
    };
  }

  #deliveryFaultFor({ task }: DispatchRequest): DeliveryFault | undefined {
    const attempt = task.dispatchCount + 1;
    return this.#strike(isDeliveryFault, {
      queueName: queueOfTask(task.name),
      taskName: task.name,
      url: urlOf(task.target),
      attempt,
    });
  }

  /** The fault of the first rule for such faults that takes this chance. */
  #strike<Kind extends Fault>(isMeant: (fault: Fault) => fault is Kind, chance: Chance): Kind | undefined {
    for (const active of this.#rules) {
      const { match = {}, times = Number.POSITIVE_INFINITY, nth, fault } = active.rule;
      if (!isMeant(fault) || active.strikes >= times || !matches(match, chance)) continue;
      active.chances += 1;
      if (nth === undefined ? this.#isChosen(active, chance) : active.chances === nth) {
        active.strikes += 1;
        return fault;
      }
    }
    return undefined;
  }

  #isChosen({ id, rule, chances }: ActiveFault, { taskName, attempt }: Chance): boolean {
    const { probability = 1 } = rule;
    const decided = attempt === undefined ? `${id} ${chances}` : `${id} ${taskName} ${attempt}`;
    return new SeededRandom(this.seed ^ hash(decided)).next() < probability;
  }

  async #attempt(
    fault: DeliveryFault | undefined,
    deliver: () => Promise<DispatchResult>,
    request: DispatchRequest,
    signal: AbortSignal,
  ): Promise<DispatchResult> {
    switch (fault?.kind) {
      case undefined:
        return await deliver();
      case 'duplicateDelivery': {
        const first = deliver();
        void this.#later(fault.afterMs ?? 0, deliver, signal);
        return await first;
      }
      case 'lostResponse': {
        await deliver();
        return { kind: 'unreachable', reason: 'injected fault: the response was lost' };
      }
      case 'delay':
        return await this.#delayed(fault.ms, deliver, request, signal);
      case 'reorder': {
        await this.#overtaken(request.queue.name, fault.withinMs ?? REORDER_WITHIN_MS, signal);
        return signal.aborted ? CUT_OFF : await deliver();
      }
      case 'refuse':
        return { kind: 'unreachable', reason: 'injected fault: connection refused' };
      case 'respond': {
        const { httpStatus, retryAfterMs } = fault;
        return { kind: 'response', httpStatus, ...(retryAfterMs !== undefined && { retryAfterMs }) };
      }
    }
  }

  async #delayed(
    ms: number,
    deliver: () => Promise<DispatchResult>,
    { task }: DispatchRequest,
    signal: AbortSignal,
  ): Promise<DispatchResult> {
    const { dispatchDeadlineMs } = task;
    if (ms < dispatchDeadlineMs) return await this.#later(ms, deliver, signal);
    void this.#later(ms, deliver, signal);
    await this.#wait(dispatchDeadlineMs, signal);
    return signal.aborted ? CUT_OFF : { kind: 'timeout' };
  }

  async #later(
    ms: number,
    deliver: () => Promise<DispatchResult>,
    signal: AbortSignal,
  ): Promise<DispatchResult> {
    if (ms > 0) await this.#wait(ms, signal);
    return signal.aborted ? CUT_OFF : await deliver();
  }

  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    await this.#until(ms, signal, () => undefined);
  }

  async #overtaken(queueName: string, withinMs: number, signal: AbortSignal): Promise<void> {
    const held = this.#held.get(queueName) ?? new Set();
    this.#held.set(queueName, held);
    await this.#until(withinMs, signal, (letGo) => held.add(letGo));
  }

  /** Until so much time has passed, the signal comes, or `start`'s argument is called. Leaves no timer and no listener behind. */
  async #until(ms: number, signal: AbortSignal, start: (letGo: () => void) => void): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const letGo = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', letGo);
        for (const held of this.#held.values()) held.delete(letGo);
        resolve();
      };
      const timer = this.#clock.at(this.#clock.now() + ms, letGo);
      signal.addEventListener('abort', letGo, { once: true });
      start(letGo);
    });
  }
}

const CUT_OFF: DispatchResult = { kind: 'unreachable', reason: 'cut off' };

function isCreationFault(fault: Fault): fault is CreationFault {
  return fault.kind === 'unavailable';
}

function isDeliveryFault(fault: Fault): fault is DeliveryFault {
  return fault.kind !== 'unavailable';
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let mixed = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) mixed = Math.imul(mixed ^ text.charCodeAt(at), 0x01000193);
  return mixed >>> 0;
}
