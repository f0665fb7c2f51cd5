import type { DispatchRequest, DispatchResult } from '../../emulator/core/dispatch.ts';
import type { Engine } from '../../emulator/engine/engine.ts';
import { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import { resumeRun } from '../../lib/control-run.ts';
import type { Delivery, TurnDelivery } from '../../lib/core/delivery.ts';
import type { Run, Shard } from '../../lib/core/run.ts';
import { healRuns } from '../../lib/heal-runs.ts';
import type { Ports, RunStore } from '../../lib/ports.ts';
import { startOn } from '../../lib/start-task.ts';
import { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import { MemoryRunStore } from '../../lib/testing/memory-run-store.ts';
import { RecordingLog } from '../support/recording.ts';
import { Adversary, type Harm } from './adversary.ts';
import { runtimeOf, type Answer } from './call-function.ts';
import { application, type Application, type Walk } from './application.ts';
import {
  contentOf,
  EngineQueue,
  location,
  queues,
  toolkitClock,
  virtualEngine,
  withBody,
} from './engine-queue.ts';
import { insist, planMeddling } from './meddlers.ts';
import { withStaleReads, WorkerProcess, type Break } from './worker-process.ts';

/** A history and what it left behind, for the checks. */
export interface History {
  readonly seed: number;
  readonly walk: Walk;
  readonly db: MemoryFirestore;
  readonly log: RecordingLog;
  /** Paths of the documents that the walk must meet: there from before it began until after it ended. */
  readonly lasting: ReadonlySet<string>;
  /** Each task that the queues took, as the function that it is for and its body. */
  readonly created: readonly { readonly worker: string; readonly body: string }[];
  /** Tasks that are left when nothing is due any more. */
  readonly left: number;
  /** How often each harm was done. */
  readonly strikes: ReadonlyMap<Harm, number>;
  /** Promises that were seen to break while it went on. */
  readonly breaches: readonly string[];
  /** Whether time ran on without an end. */
  readonly isEndless: boolean;
}

const startsAt = Date.UTC(2026, 0, 1);
const workerProcesses = 2;
/** A history has some hundreds of timers. */
const mostTimers = 20_000;
/** Longer than the time for which a chain must have been still. All healings are within the time for which a queue knows names. */
const healingEveryMs = 11 * 60_000;
const mostHealings = 4;

/** Runs one history: everything in it follows from its seed. */
export async function runHistory(seed: number, breakProtocol: Break = {}): Promise<History> {
  const world = new World(seed, breakProtocol);
  return await world.run();
}

class World {
  readonly #seed: number;
  readonly #clock = new VirtualClock(startsAt);
  readonly #adversary: Adversary;
  readonly #db = new MemoryFirestore();
  readonly #log = new RecordingLog();
  readonly #engine: Engine;
  readonly #outside: Ports;
  /** The store as deliveries see it, which may be ahead of the commit that made them. */
  readonly #staleStore: RunStore;
  readonly #break: Break;
  readonly #walk: Walk;
  readonly #created: History['created'][number][] = [];
  readonly #lasting = new Set<string>();
  readonly #processes: { readonly process: WorkerProcess; readonly app: Application }[] = [];
  readonly #breaches: string[] = [];
  #timers = 0;
  #lastUnique = 0;

  constructor(seed: number, breakProtocol: Break) {
    this.#seed = seed;
    this.#adversary = new Adversary(seed, this.#clock);
    const { chance } = this.#adversary;
    const over = chance.pick(['collection', 'collection', 'filter', 'order', 'group'] as const);
    this.#walk = {
      over,
      pageSize: chance.between(2, 4),
      handler: chance.pick(['page', 'each']),
      shards: over === 'order' ? 1 : chance.between(1, 4),
    };
    this.#engine = virtualEngine(this.#clock, seed, (request) => this.#dispatch(request));
    this.#engine.observe((event) => {
      if (event.kind === 'taskCreated') this.#created.push(contentOf(event.task));
    });
    this.#break = breakProtocol;
    this.#outside = {
      store: new MemoryRunStore(this.#db),
      queue: new EngineQueue(this.#engine),
      clock: toolkitClock(this.#clock),
      log: this.#log,
    };
    this.#staleStore = withStaleReads(this.#outside.store, this.#adversary);
  }

  async run(): Promise<History> {
    this.#seedDocuments();
    this.#planDisturbances();
    planMeddling({
      clock: this.#clock,
      adversary: this.#adversary,
      engine: this.#engine,
      newPorts: () => this.#newProcess().process.ports,
      runId: () => this.#run()?.id,
    });
    void this.#start();
    await this.#runOut();
    await this.#bringToAnEnd();
    const left = queues.map((queue) => this.#engine.tasks.list(`${location}/queues/${queue}`).tasks.length);
    return {
      seed: this.#seed,
      walk: this.#walk,
      db: this.#db,
      log: this.#log,
      lasting: this.#lasting,
      created: this.#created,
      left: left.reduce((sum, count) => sum + count, 0),
      strikes: this.#adversary.strikesOf,
      breaches: this.#breaches,
      isEndless: this.#timers >= mostTimers,
    };
  }

  /** Until nothing is due any more. */
  async #runOut(): Promise<void> {
    while (this.#timers < mostTimers && (await this.#clock.runNext())) this.#timers += 1;
  }

  /**
   * What people and the healer's schedule do in the end, when the adversary rests: a paused run is resumed, and what died is healed
   * until nothing is left to heal. Where no task was taken from a queue and no healing or command can have died half-way, nothing has died.
   */
  async #bringToAnEnd(): Promise<void> {
    if (['pausing', 'paused'].includes(this.#run()?.state ?? ''))
      await resumeRun(this.#run()?.id ?? '', {}, this.#outside);
    await this.#runOut();
    const { strikesOf } = this.#adversary;
    const deadly = ['purge', 'deleteTask', 'heal', 'pause', 'resume', 'cancel'] as const;
    if (!deadly.some((harm) => strikesOf.has(harm))) return;
    for (let rounds = 0; rounds < mostHealings; rounds += 1) {
      await this.#clock.advanceBy(healingEveryMs);
      const { healed, failed } = await healRuns({}, this.#outside);
      for (const { message } of failed) this.#breaches.push(`healing failed: ${message}`);
      await this.#runOut();
      if (healed.length === 0) return;
    }
    this.#breaches.push('the healing has no end');
  }

  #run(): Run | undefined {
    return this.#db.documentsIn(['pageturnerRuns'])[0]?.data() as Run | undefined;
  }

  #seedDocuments(): void {
    const count = this.#adversary.chance.between(6, 20);
    for (let n = 0; n < count; n += 1) this.#putDocument(this.#somePath(n));
  }

  #somePath(n: number): string {
    const { chance } = this.#adversary;
    const id = chance.pick([
      `${n}`,
      `d${String(n).padStart(4, '0')}`,
      `é${n}`,
      `${chance.between(0, 1e6)}-${n}`,
    ]);
    return this.#walk.over === 'group' ? `wholes/w${n % 3}/parts/${id}` : `things/${id}`;
  }

  #putDocument(path: string): void {
    const { chance } = this.#adversary;
    const data = { isWanted: chance.happens(0.8), rank: chance.between(0, 5), note: 0 };
    this.#db.commit((batch) => batch.set(path, data));
    if (this.#walk.over !== 'filter' || data.isWanted) this.#lasting.add(path);
  }

  /** People edit, delete and add documents while the walk is under way. */
  #planDisturbances(): void {
    const { chance } = this.#adversary;
    const paths = [...this.#lasting];
    for (let n = chance.between(0, 6); n > 0; n -= 1) {
      this.#clock.at(startsAt + chance.between(1, 20_000), () => {
        const path = chance.pick(paths);
        switch (chance.pick(['edit', 'delete', 'create'])) {
          case 'edit':
            if (this.#db.read(path).exists) this.#db.commit((batch) => batch.update(path, { note: 1 }));
            return;
          case 'delete':
            this.#lasting.delete(path);
            this.#db.commit((batch) => batch.delete(path));
            return;
          case 'create': {
            const fresh = this.#somePath(100 + n);
            if (this.#db.read(fresh).exists) return;
            this.#putDocument(fresh);
            this.#lasting.delete(fresh);
          }
        }
      });
    }
  }

  /** Somebody starts the walk, by itself or through another task, and again until they hear that it has started. */
  async #start(): Promise<void> {
    const isDirect = this.#adversary.chance.happens(0.5);
    const options = { idempotencyKey: 'the only one', startedBy: 'simulation' };
    const { walk, launch } = this.#newProcess().app;
    const newPorts = (): Ports => this.#newProcess().process.ports;
    await insist({ clock: this.#clock, newPorts }, (ports) =>
      startOn(ports, isDirect ? walk : launch, {}, options),
    );
  }

  #newProcess(store = this.#outside.store): {
    readonly process: WorkerProcess;
    readonly app: Application;
  } {
    const process = new WorkerProcess({ ...this.#outside, store }, this.#adversary, this.#break);
    const app = application(this.#walk, runtimeOf(process.ports), {
      step: () => process.step(),
      unique: () => (this.#lastUnique += 1),
    });
    return { process, app };
  }

  /** The way from the queue to a worker and back. */
  async #dispatch(request: DispatchRequest): Promise<DispatchResult> {
    const adversary = this.#adversary;
    if (adversary.strikes('delay')) await adversary.dawdle();
    if (adversary.strikes('lostDelivery')) return { kind: 'unreachable', reason: 'lost' };
    if (adversary.strikes('duplicateDelivery')) void adversary.dawdle().then(() => this.#deliver(request));
    const result = this.#deliver(request);
    if (adversary.strikes('timeout')) {
      await adversary.dawdle();
      return { kind: 'timeout' };
    }
    await result;
    if (adversary.strikes('lostResponse')) return { kind: 'unreachable', reason: 'the response was lost' };
    return await result;
  }

  async #deliver(request: DispatchRequest): Promise<Answer> {
    const place = this.#adversary.chance.between(0, workerProcesses - 1);
    let found = this.#processes[place];
    if (found === undefined || found.process.isDead) {
      found = this.#newProcess(this.#staleStore);
      this.#processes[place] = found;
    }
    const { worker, body } = contentOf(request.task);
    const handler = found.app.functions.get(worker);
    if (handler === undefined) throw new Error(`no function ${worker}`);
    const delivery = JSON.parse(body) as Delivery;
    if (delivery.kind !== 'turn') return await found.process.serve(handler, request);
    const epoch = this.#epochOf(delivery);
    const forged = { ...request, task: withBody(request.task, this.#forged(delivery)) };
    const answer = await found.process.serve(handler, forged);
    if (delivery.epoch < epoch && answer.outcome === 'committed') {
      this.#breaches.push(`a task of epoch ${delivery.epoch} committed a page in epoch ${epoch}`);
    }
    return answer;
  }

  #forged(delivery: TurnDelivery): TurnDelivery {
    if (!this.#adversary.strikes('forgedCursor')) return delivery;
    const values = Array.isArray(delivery.cursor) ? delivery.cursor.slice(0, -1) : [];
    return { ...delivery, cursor: [...values, this.#adversary.chance.pick([...this.#lasting])] };
  }

  #epochOf({ run, shard }: { readonly run: string; readonly shard: number }): number {
    const document = this.#db.read(`pageturnerRuns/${run}/shards/${shard}`);
    return (document.data() as Shard | undefined)?.epoch ?? 0;
  }
}
