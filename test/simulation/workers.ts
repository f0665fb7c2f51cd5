import type { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import type { DispatchRequest } from '../../emulator/core/dispatch.ts';
import type { Delivery, TurnDelivery } from '../../lib/core/delivery.ts';
import type { Ports } from '../../lib/ports.ts';
import type { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import type { Adversary } from './adversary.ts';
import type { Application, Generation } from './application.ts';
import type { Answer } from './call-function.ts';
import { contentOf, withBody } from './engine-queue.ts';
import type { Report } from './invariants/observer.ts';
import { servedPlace, type Place } from './place.ts';
import { WorkerProcess, type Break } from './worker-process.ts';

/** What the processes live in. */
export interface WorkersWorld {
  readonly adversary: Adversary;
  readonly db: MemoryFirestore;
  /** The ports as deliveries see them, whose reads may be behind the commit that made them. */
  readonly outside: Ports;
  readonly breakProtocol: Break;
  readonly newApp: (process: WorkerProcess, generation: Generation) => Application;
  /** How many of the runs' own handlers have taken effect. */
  readonly settled: () => number;
  /** Paths that a forged cursor may name. */
  readonly paths: ReadonlySet<string>;
  /** Resolves when the run is paused, or cannot be. */
  readonly pauseForAWhile: (run: string) => Promise<void>;
  /** Called when anything but a run that looks for its children has moved. */
  readonly moved: () => void;
  readonly report: Report;
}

const workerProcesses = 2;

/** The processes of the workers, and the way from the queue to them and back. */
export class Workers {
  readonly #world: WorkersWorld;
  readonly #processes: ({ readonly process: WorkerProcess; readonly app: Application } | undefined)[] = [];
  /** The processes whose successors have the new code. */
  readonly #deployed = new Set<number>();

  constructor(world: WorkersWorld) {
    this.#world = world;
  }

  /** Processes of the new code take the places of the old, one by one. What these had begun goes on. */
  planDeployment(clock: VirtualClock): void {
    const { adversary } = this.#world;
    const deploysAt = clock.now() + adversary.chance.between(1, 30_000);
    for (let index = 0; index < workerProcesses; index += 1) {
      clock.at(deploysAt + adversary.chance.between(0, 20_000), () => {
        adversary.struck('deployment');
        this.#deployed.add(index);
        this.#processes[index] = undefined;
      });
    }
  }

  /** An attempt of the queue, and what it learns of it. */
  async dispatch(request: DispatchRequest): Promise<Answer> {
    const { adversary } = this.#world;
    if (adversary.strikes('delay')) await adversary.dawdle();
    if (adversary.strikes('lostDelivery')) return { kind: 'unreachable', reason: 'lost' };
    if (adversary.strikes('duplicateDelivery')) void adversary.dawdle().then(() => this.#deliver(request));
    const result = this.#deliver(request);
    if (adversary.strikes('pauseUnderWay')) void this.#pausedUnderWay(request);
    if (adversary.strikes('timeout')) {
      await adversary.dawdle();
      return { kind: 'timeout' };
    }
    await result;
    if (adversary.strikes('lostResponse')) return { kind: 'unreachable', reason: 'the response was lost' };
    return await result;
  }

  async #pausedUnderWay(request: DispatchRequest): Promise<void> {
    const { pauseForAWhile } = this.#world;
    const delivery = JSON.parse(contentOf(request.task).body) as Delivery;
    if (delivery.kind !== 'turn' && delivery.kind !== 'complete') return;
    await pauseForAWhile(delivery.run);
    void this.#deliver(request);
  }

  async #deliver(request: DispatchRequest): Promise<Answer> {
    const { settled, moved } = this.#world;
    const { process, app } = this.#anyProcess();
    const { worker, body } = contentOf(request.task);
    const handler = app.functions.get(worker);
    if (handler === undefined) throw new Error(`no function ${worker}`);
    const delivery = JSON.parse(body) as Delivery;
    const serveAt = async (place: Omit<Place, 'process' | 'since'>, served = request): Promise<Answer> =>
      await servedPlace.run({ ...place, process, since: settled() }, () => process.serve(handler, served));
    if (delivery.kind !== 'complete') moved();
    switch (delivery.kind) {
      case 'turn': {
        const epoch = this.#epochOf(delivery);
        const forged = { ...request, task: withBody(request.task, this.#forged(delivery)) };
        const answer = await serveAt(delivery, forged);
        if (delivery.epoch < epoch && answer.outcome === 'committed') {
          this.#world.report(`a task of epoch ${delivery.epoch} committed a page in epoch ${epoch}`);
        }
        return answer;
      }
      case 'complete': {
        const { run, epoch } = delivery;
        const answer = await serveAt({ run, epoch, shard: 'none' });
        if (answer.outcome !== 'waiting') moved();
        return answer;
      }
      case 'prepare':
        return await serveAt({ run: delivery.run, shard: 'none', isPreparation: true });
      case 'callback':
        return await serveAt({ run: delivery.run, shard: 'none' });
      case 'task':
      case 'start':
      case 'finish':
      case 'settle':
        return await process.serve(handler, request);
    }
  }

  #anyProcess(): { readonly process: WorkerProcess; readonly app: Application } {
    const { adversary, outside, breakProtocol, newApp } = this.#world;
    const index = adversary.chance.between(0, workerProcesses - 1);
    const found = this.#processes[index];
    if (found !== undefined && !found.process.isDead) return found;
    const process = new WorkerProcess(outside, adversary, breakProtocol);
    const begun = { process, app: newApp(process, this.#deployed.has(index) ? 2 : 1) };
    this.#processes[index] = begun;
    return begun;
  }

  #forged(delivery: TurnDelivery): TurnDelivery {
    const { adversary, paths } = this.#world;
    if (!adversary.strikes('forgedCursor')) return delivery;
    const values = Array.isArray(delivery.cursor) ? delivery.cursor.slice(0, -1) : [];
    return { ...delivery, cursor: [...values, adversary.chance.pick([...paths])] };
  }

  #epochOf({ run, shard }: { readonly run: string; readonly shard: number }): number {
    const document = this.#world.db.read(`pageturnerRuns/${run}/shards/${shard}`);
    return (document.get('epoch') as number | undefined) ?? 0;
  }
}
