import type { DispatchRequest, DispatchResult } from '../../emulator/core/dispatch.ts';
import type { Engine } from '../../emulator/engine/engine.ts';
import { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import type { Ports } from '../../lib/ports.ts';
import { startOn } from '../../lib/start-task.ts';
import { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import { MemoryRunStore } from '../../lib/testing/memory-run-store.ts';
import { RecordingLog } from '../support/recording.ts';
import { Adversary, type Rates } from './adversary.ts';
import { runtimeOf } from './call-function.ts';
import { application, type Application, type Walk } from './application.ts';
import {
  contentOf,
  EngineQueue,
  location,
  queues,
  sleep,
  toolkitClock,
  virtualEngine,
} from './engine-queue.ts';
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
  readonly strikes: ReadonlyMap<keyof Rates, number>;
  /** Whether time ran on without an end. */
  readonly isEndless: boolean;
}

const startsAt = Date.UTC(2026, 0, 1);
const workerProcesses = 2;
/** A history has some hundreds of timers. */
const mostTimers = 20_000;

/** Runs one history: everything in it follows from its seed. */
export async function runHistory(
  seed: number,
  breakProtocol: Break = (outside) => outside,
): Promise<History> {
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
  readonly #break: Break;
  readonly #walk: Walk;
  readonly #created: History['created'][number][] = [];
  readonly #lasting = new Set<string>();
  readonly #processes: { readonly process: WorkerProcess; readonly app: Application }[] = [];
  #lastUnique = 0;

  constructor(seed: number, breakProtocol: Break) {
    this.#seed = seed;
    this.#adversary = new Adversary(seed, this.#clock);
    const { chance } = this.#adversary;
    this.#walk = {
      over: chance.pick(['collection', 'collection', 'filter', 'order', 'group']),
      pageSize: chance.between(2, 4),
      handler: chance.pick(['page', 'each']),
    };
    this.#engine = virtualEngine(this.#clock, seed, (request) => this.#dispatch(request));
    this.#engine.observe((event) => {
      if (event.kind === 'taskCreated') this.#created.push(contentOf(event.task));
    });
    this.#break = breakProtocol;
    this.#outside = {
      store: withStaleReads(new MemoryRunStore(this.#db), this.#adversary),
      queue: new EngineQueue(this.#engine),
      clock: toolkitClock(this.#clock),
      log: this.#log,
    };
  }

  async run(): Promise<History> {
    this.#seedDocuments();
    this.#planDisturbances();
    void this.#start();
    let timers = 0;
    while (timers < mostTimers && (await this.#clock.runNext())) timers += 1;
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
      isEndless: timers >= mostTimers,
    };
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
    for (;;) {
      const { process, app } = this.#newProcess();
      const options = { idempotencyKey: 'the only one', startedBy: 'simulation' };
      const started = startOn(process.ports, isDirect ? app.walk : app.launch, {}, options).then(
        () => true,
        () => false,
      );
      const isStarted = await Promise.race([started, sleep(this.#clock, 10_000).then(() => false)]);
      if (isStarted) return;
    }
  }

  #newProcess(): { readonly process: WorkerProcess; readonly app: Application } {
    const process = new WorkerProcess(this.#outside, this.#adversary, this.#break);
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

  async #deliver(request: DispatchRequest): Promise<DispatchResult> {
    const place = this.#adversary.chance.between(0, workerProcesses - 1);
    let found = this.#processes[place];
    if (found === undefined || found.process.isDead) {
      found = this.#newProcess();
      this.#processes[place] = found;
    }
    const { worker } = contentOf(request.task);
    const handler = found.app.functions.get(worker);
    if (handler === undefined) throw new Error(`no function ${worker}`);
    return await found.process.serve(handler, request);
  }
}
