import type { HttpFunction } from '@google-cloud/functions-framework';
import type { DispatchRequest } from '../../emulator/core/dispatch.ts';
import type { Delivery, TurnDelivery } from '../../lib/core/delivery.ts';
import { KnownRuns } from '../../lib/known-runs.ts';
import type { Ports, RunStore } from '../../lib/ports.ts';
import type { Adversary } from './adversary.ts';
import { callFunction, type Answer } from './call-function.ts';
import { changed } from '../support/changed.ts';
import { contentOf, withBody } from './engine-queue.ts';
import { misled, servedPlace } from './place.ts';

/** What Google's clients throw when a service does not answer. */
class Unavailable extends Error {
  readonly code = 14;
  readonly details = 'simulated failure';

  constructor() {
    super('14 UNAVAILABLE: simulated failure');
  }
}

/** How a test breaks the protocol: what it does to the ports of each process, and to the deliveries of turns that reach it. */
export interface Break {
  readonly ports?: (ports: Ports) => Ports;
  readonly turn?: (delivery: TurnDelivery, store: RunStore) => Promise<TurnDelivery>;
}

/**
 * A worker's process. It can die at each step of its work. When it is dead, nothing that it had begun goes on: no call of it returns
 * or throws, no timer of it fires, and no request to it is answered.
 */
export class WorkerProcess {
  /** Those of the outside, which outlives it, with all that can go wrong on the way. */
  readonly ports: Ports;
  readonly #adversary: Adversary;
  readonly #break: Break;
  readonly #death = Promise.withResolvers<void>();
  #isDead = false;

  constructor(outside: Ports, adversary: Adversary, breakProtocol: Break) {
    this.#adversary = adversary;
    this.#break = breakProtocol;
    const clockError = adversary.drawClockError();
    const ports: Ports = {
      store: this.#troubled(outside.store),
      queue: this.#troubled(outside.queue),
      clock: {
        now: () => outside.clock.now() + clockError,
        after: (delayMs, fire) =>
          outside.clock.after(delayMs, () => {
            if (!this.#isDead) fire();
          }),
      },
      log: outside.log,
      knownRuns: new KnownRuns(),
    };
    this.ports = breakProtocol.ports?.(ports) ?? ports;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** A point at which things go wrong: the process dies, the step takes long, or it fails. */
  async step(): Promise<void> {
    const isPreparation = servedPlace.getStore()?.isPreparation === true;
    if (this.#adversary.strikes('crash')) this.kill();
    else if (isPreparation && this.#adversary.strikes('crashInPreparation')) this.kill();
    else if (this.#adversary.strikes('delay')) await this.#adversary.dawdle();
    if (this.#isDead) await new Promise(() => {});
    if (this.#adversary.strikes('failure')) throw new Unavailable();
  }

  kill(): void {
    this.#isDead = true;
    this.#death.resolve();
  }

  /** Has a function take a delivery. */
  async serve(handler: HttpFunction, request: DispatchRequest): Promise<Answer> {
    return await Promise.race([
      this.#received(request).then(
        (received) => callFunction(handler, received),
        (): Answer => ({ kind: 'response', httpStatus: 500 }),
      ),
      this.#death.promise.then((): Answer => ({ kind: 'unreachable', reason: 'the process died' })),
    ]);
  }

  async #received(request: DispatchRequest): Promise<DispatchRequest> {
    const delivery = JSON.parse(contentOf(request.task).body) as Delivery;
    if (this.#break.turn === undefined || delivery.kind !== 'turn') return request;
    const broken = await this.#break.turn(delivery, this.ports.store);
    return { ...request, task: withBody(request.task, broken) };
  }

  /** The same object, whose every call is a step of the process before it and another after it. */
  #troubled<T extends object>(target: T): T {
    const calls = new Map<PropertyKey, unknown>();
    return new Proxy(target, {
      get: (object, name) => {
        const known = calls.get(name);
        if (known !== undefined) return known;
        const member: unknown = Reflect.get(object, name, object);
        if (typeof member !== 'function') return member;
        const call = async (...given: unknown[]): Promise<unknown> => {
          await this.step();
          const result: unknown = await member.apply(object, given);
          await this.step();
          return result;
        };
        calls.set(name, call);
        return call;
      },
    });
  }
}

/**
 * A shard that is read as it was before its last commit, so that the task which that commit made comes from the future. Firestore's
 * own reads are never stale; whoever restores a backup or puts a cache between makes them so.
 */
export function withStaleReads(store: RunStore, adversary: Adversary): RunStore {
  const former = new Map<string, Awaited<ReturnType<RunStore['readTurn']>>>();
  const latest = new Map<string, Awaited<ReturnType<RunStore['readTurn']>>>();
  return changed(store, {
    async readTurn(run, shard) {
      const found = await store.readTurn(run, shard);
      const key = `${run}/${shard}`;
      if (latest.get(key)?.shard.version !== found?.shard.version) {
        former.set(key, latest.get(key));
        latest.set(key, found);
      }
      if (former.get(key) === undefined || !adversary.strikes('staleRead')) return found;
      const place = servedPlace.getStore();
      if (place !== undefined) misled.add(place);
      return former.get(key);
    },
  });
}
