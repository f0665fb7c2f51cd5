import type { DispatchRequest, DispatchResult } from '../../emulator/core/dispatch.ts';
import type { Engine } from '../../emulator/engine/engine.ts';
import { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import type { Delivery, TurnDelivery } from '../../lib/core/delivery.ts';
import type { Run, Shard } from '../../lib/core/run.ts';
import type { Ports, RunStore } from '../../lib/ports.ts';
import { startOn } from '../../lib/start-task.ts';
import { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import { MemoryRunStore } from '../../lib/testing/memory-run-store.ts';
import { RecordingLog } from '../support/recording.ts';
import { Adversary, type Harm } from './adversary.ts';
import { application, type Application } from './application.ts';
import { runtimeOf, type Answer } from './call-function.ts';
import { Documents } from './documents.ts';
import { bringToAnEnd } from './ending.ts';
import {
  contentOf,
  EngineQueue,
  location,
  queues,
  settled,
  toolkitClock,
  virtualEngine,
  withBody,
} from './engine-queue.ts';
import { Events } from './invariants/callbacks.ts';
import { Chains } from './invariants/chains.ts';
import { Failures } from './invariants/failures.ts';
import { Keys } from './invariants/keys.ts';
import { Leases } from './invariants/leases.ts';
import { observed } from './invariants/observer.ts';
import { Quarantine } from './invariants/quarantine.ts';
import { Rates } from './invariants/rates.ts';
import { Repetitions } from './invariants/repetitions.ts';
import { Versions } from './invariants/versions.ts';
import { withLimit } from './limit.ts';
import { planLastRun, planMeddling } from './meddlers.ts';
import { servedPlace } from './place.ts';
import { start } from './starters.ts';
import { Tempers } from './tempers.ts';
import { drawWalk, type Walk } from './walk.ts';
import { withStaleReads, WorkerProcess, type Break } from './worker-process.ts';

/** A history and what it left behind, for the checks. */
export interface History {
  readonly seed: number;
  readonly walk: Walk;
  readonly db: MemoryFirestore;
  readonly log: RecordingLog;
  /** Paths of the documents that the walk must meet: there from before it began until after it ended. */
  readonly lasting: ReadonlySet<string>;
  readonly events: Events;
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

/** Runs one history: everything in it follows from its seed. */
export async function runHistory(seed: number, breakProtocol: Break = {}): Promise<History> {
  const world = new World(seed, breakProtocol);
  return await world.run();
}

class World {
  readonly #seed: number;
  readonly #clock = new VirtualClock(startsAt, settled);
  readonly #adversary: Adversary;
  readonly #db = new MemoryFirestore();
  readonly #log = new RecordingLog();
  readonly #engine: Engine;
  readonly #outside: Ports;
  /** The store as deliveries see it, which may be ahead of the commit that made them. */
  readonly #staleStore: RunStore;
  readonly #break: Break;
  readonly #walk: Walk;
  readonly #documents: Documents;
  readonly #tempers: Tempers;
  readonly #leases: Leases;
  readonly #versions: Versions;
  readonly #events = new Events();
  readonly #created: History['created'][number][] = [];
  readonly #processes: ({ readonly process: WorkerProcess; readonly app: Application } | undefined)[] = [];
  /** The processes whose successors have the new code. */
  readonly #deployed = new Set<number>();
  readonly #breaches: string[] = [];
  readonly #report = (breach: string): void => {
    if (!this.#breaches.includes(breach)) this.#breaches.push(breach);
  };
  #timers = 0;
  #lastUnique = 0;

  constructor(seed: number, breakProtocol: Break) {
    this.#seed = seed;
    this.#break = breakProtocol;
    this.#adversary = new Adversary(seed, this.#clock);
    this.#walk = drawWalk(this.#adversary.chance);
    const { onError, maxFailures, maxQuarantined, maxAttempts, mostWrites } = this.#walk;
    this.#engine = virtualEngine(this.#clock, seed, (request) => this.#dispatch(request), maxAttempts);
    this.#engine.observe((event) => {
      if (event.kind === 'taskCreated') this.#created.push(contentOf(event.task));
    });
    // The last attempt, and one document too many that is set aside, end a run whatever the budget says.
    const isBudgeted = onError === 'retry' && maxAttempts === undefined && maxQuarantined > 1;
    const failures = new Failures(isBudgeted ? maxFailures : 0, this.#report);
    const readRun = (id: string): Run => this.#db.read(`pageturnerRuns/${id}`).data() as Run;
    this.#versions = new Versions(this.#walk.onOtherVersion, readRun, this.#report);
    this.#leases = new Leases(() => this.#clock.now(), this.#report);
    this.#documents = new Documents(this.#db, this.#adversary, this.#walk);
    this.#tempers = new Tempers(this.#clock, this.#adversary, failures);
    const observers = [
      failures,
      this.#leases,
      new Chains(this.#report),
      new Keys(this.#report),
      this.#events,
      this.#versions,
      new Repetitions(() => this.#adversary.struck('repetition'), this.#report),
      new Quarantine(this.#db, this.#report),
      new Rates(
        () => (this.#adversary.strikesOf.has('throttle') ? undefined : this.#walk.documentsPerSecond),
        () => this.#clock.now(),
        this.#report,
      ),
    ];
    const store = withLimit(
      new MemoryRunStore(this.#db, async () => {
        if (this.#adversary.strikes('delay')) await this.#adversary.dawdle();
      }),
      mostWrites,
      this.#adversary,
    );
    this.#outside = {
      store: observed(store, this.#db, observers),
      queue: new EngineQueue(this.#engine),
      clock: toolkitClock(this.#clock),
      log: this.#log,
    };
    this.#staleStore = withStaleReads(this.#outside.store, this.#adversary);
  }

  async run(): Promise<History> {
    const [clock, adversary] = [this.#clock, this.#adversary];
    const newPorts = (): Ports => new WorkerProcess(this.#outside, adversary, this.#break).ports;
    this.#documents.seed();
    this.#tempers.assign([...this.#documents.lasting]);
    this.#planDisturbances();
    const runIds = (): string[] => this.#runs().map(({ id }) => id);
    const meddled = { clock, adversary, engine: this.#engine, newPorts, runIds };
    planMeddling(meddled);
    if (this.#walk.repeatsAfter !== undefined) {
      const isRepeating = ({ repeat, nextRun }: Run): boolean =>
        repeat !== undefined && nextRun === undefined;
      const repeating = (): string[] =>
        this.#runs()
          .filter(isRepeating)
          .map(({ id }) => id);
      planLastRun({ ...meddled, repeating });
    }
    this.#planDeployment();
    const { app } = this.#newProcess(this.#outside.store, 1);
    start({ clock, adversary, newPorts, app }, this.#walk);
    await bringToAnEnd({
      clock,
      adversary,
      tempers: this.#tempers,
      dropsTasks: this.#walk.maxAttempts !== undefined,
      calmPorts: this.#outside,
      newPorts,
      runs: () => this.#runs(),
      setAside: (run) => this.#db.documentsIn([`pageturnerRuns/${run}/setAside`]).length,
      startCalmly: () => startOn(this.#outside, app.walk, {}, { startedBy: 'simulation' }),
      runOut: () => this.#runOut(),
      report: this.#report,
    });
    const left = queues.map((queue) => this.#engine.tasks.list(`${location}/queues/${queue}`).tasks.length);
    return {
      seed: this.#seed,
      walk: this.#walk,
      db: this.#db,
      log: this.#log,
      lasting: this.#documents.lasting,
      events: this.#events,
      created: this.#created,
      left: left.reduce((sum, count) => sum + count, 0),
      strikes: adversary.strikesOf,
      breaches: this.#breaches,
      isEndless: this.#timers >= mostTimers,
    };
  }

  /** Until nothing is due any more. */
  async #runOut(): Promise<void> {
    while (this.#timers < mostTimers && (await this.#clock.runNext())) this.#timers += 1;
  }

  #runs(): Run[] {
    return this.#db.documentsIn(['pageturnerRuns']).map((document) => document.data() as Run);
  }

  /** People change documents while the walk is under way, here and there and where shards part. */
  #planDisturbances(): void {
    const { chance } = this.#adversary;
    for (let n = chance.between(0, 6); n > 0; n -= 1) {
      this.#clock.at(startsAt + chance.between(1, 20_000), () => this.#documents.disturb(n));
    }
    if (this.#walk.shards === 1) return;
    for (let n = chance.between(0, 4); n > 0; n -= 1) {
      this.#clock.at(startsAt + chance.between(1, 20_000), () => {
        const boundaries = this.#runs().flatMap((run) => run.boundaries ?? []);
        if (boundaries.length > 0) this.#documents.disturbAt(chance.pick(boundaries));
      });
    }
  }

  /** Processes of the new code take the places of the old, one by one. What these had begun goes on. */
  #planDeployment(): void {
    const { chance } = this.#adversary;
    const deploysAt = startsAt + chance.between(1, 30_000);
    for (let index = 0; index < workerProcesses; index += 1) {
      this.#clock.at(deploysAt + chance.between(0, 20_000), () => {
        this.#adversary.struck('deployment');
        this.#deployed.add(index);
        this.#processes[index] = undefined;
      });
    }
  }

  #newProcess(
    store: RunStore,
    generation: number,
  ): {
    readonly process: WorkerProcess;
    readonly app: Application;
  } {
    const process = new WorkerProcess({ ...this.#outside, store }, this.#adversary, this.#break);
    const app = application(this.#walk, runtimeOf(process.ports, this.#walk.maxAttempts), {
      step: () => process.step(),
      unique: () => (this.#lastUnique += 1),
      tempers: this.#tempers,
      leases: this.#leases,
      versions: this.#versions,
      generation,
      waitSeconds: () =>
        this.#adversary.strikes('wait') ? this.#adversary.chance.between(1, 30) : undefined,
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
    const index = this.#adversary.chance.between(0, workerProcesses - 1);
    let found = this.#processes[index];
    if (found === undefined || found.process.isDead) {
      found = this.#newProcess(this.#staleStore, this.#deployed.has(index) ? 2 : 1);
      this.#processes[index] = found;
    }
    const { process, app } = found;
    const { worker, body } = contentOf(request.task);
    const handler = app.functions.get(worker);
    if (handler === undefined) throw new Error(`no function ${worker}`);
    const delivery = JSON.parse(body) as Delivery;
    switch (delivery.kind) {
      case 'turn': {
        const epoch = this.#epochOf(delivery);
        const forged = { ...request, task: withBody(request.task, this.#forged(delivery)) };
        const place = { run: delivery.run, shard: delivery.shard, process };
        const answer = await servedPlace.run(place, () => process.serve(handler, forged));
        if (delivery.epoch < epoch && answer.outcome === 'committed') {
          this.#report(`a task of epoch ${delivery.epoch} committed a page in epoch ${epoch}`);
        }
        return answer;
      }
      case 'complete': {
        const place = { run: delivery.run, shard: 'completion' as const, process };
        return await servedPlace.run(place, () => process.serve(handler, request));
      }
      case 'task':
      case 'start':
      case 'prepare':
      case 'finish':
      case 'settle':
      case 'callback':
        return await process.serve(handler, request);
    }
  }

  #forged(delivery: TurnDelivery): TurnDelivery {
    if (!this.#adversary.strikes('forgedCursor')) return delivery;
    const values = Array.isArray(delivery.cursor) ? delivery.cursor.slice(0, -1) : [];
    return { ...delivery, cursor: [...values, this.#adversary.chance.pick([...this.#documents.lasting])] };
  }

  #epochOf({ run, shard }: { readonly run: string; readonly shard: number }): number {
    const document = this.#db.read(`pageturnerRuns/${run}/shards/${shard}`);
    return (document.data() as Shard | undefined)?.epoch ?? 0;
  }
}
