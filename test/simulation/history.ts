import type { Task } from '../../emulator/core/model.ts';
import type { Engine } from '../../emulator/engine/engine.ts';
import { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import type { Delivery } from '../../lib/core/delivery.ts';
import type { Run } from '../../lib/core/run.ts';
import type { Ports } from '../../lib/ports.ts';
import { startOn } from '../../lib/start-task.ts';
import { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import { MemoryRunStore } from '../../lib/testing/memory-run-store.ts';
import { RecordingLog } from '../support/recording.ts';
import { Adversary, type Harm } from './adversary.ts';
import {
  application,
  paramsOf,
  type Application,
  type Generation,
  type Surroundings,
} from './application.ts';
import { runtimeOf } from './call-function.ts';
import { Children } from './children.ts';
import { Onlooker, planDisturbances } from './disturbances.ts';
import { Documents } from './documents.ts';
import { bringToAnEnd } from './ending.ts';
import {
  contentOf,
  EngineQueue,
  firstAttemptIn,
  location,
  queues,
  settled,
  toolkitClock,
  virtualEngine,
  type MaxAttempts,
} from './engine-queue.ts';
import { Callbacks } from './invariants/callbacks.ts';
import { Chains } from './invariants/chains.ts';
import { Failures } from './invariants/failures.ts';
import { Keys } from './invariants/keys.ts';
import { Leases } from './invariants/leases.ts';
import { observed, type ReadRun } from './invariants/observer.ts';
import { Preparations } from './invariants/preparations.ts';
import { Quarantine } from './invariants/quarantine.ts';
import { mostPerSecond, Rates } from './invariants/rates.ts';
import { Repetitions } from './invariants/repetitions.ts';
import { Schedules } from './invariants/schedules.ts';
import { Standstills } from './invariants/standstills.ts';
import { Versions } from './invariants/versions.ts';
import { Waiting } from './invariants/waiting.ts';
import { withLimit } from './limit.ts';
import { pauseForAWhile, planLastRun, planMeddling } from './meddlers.ts';
import { withLongSearch } from './search.ts';
import { start } from './starters.ts';
import { Tempers } from './tempers.ts';
import { drawWalk, type Walk } from './walk.ts';
import { withStaleReads, WorkerProcess, type Break } from './worker-process.ts';
import { Workers } from './workers.ts';

/** A history and what it left behind, for the checks. */
export interface History {
  readonly seed: number;
  readonly walk: Walk;
  readonly db: MemoryFirestore;
  readonly log: RecordingLog;
  /** Paths of the documents that the walk must meet: there from before it began until after it ended. */
  readonly lasting: ReadonlySet<string>;
  /** Those whose place in the walk was changed: it may have met them more than once, or not at all. */
  readonly moved: ReadonlySet<string>;
  readonly callbacks: Callbacks;
  /** Each task that the queues took, as the function that it is for and what it delivers. */
  readonly created: readonly { readonly worker: string; readonly delivery: Delivery }[];
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
/** A history has some hundreds of timers. */
const mostTimers = 20_000;
/** Longer than anything else takes that goes on by itself. */
const longestStillMs = 10 * 60_000;

/** Runs one history: everything in it follows from its seed. */
export async function runHistory(seed: number, breakProtocol: Break = {}): Promise<History> {
  const world = new World(seed, breakProtocol);
  return await world.run();
}

class World {
  readonly #seed: number;
  readonly #clock = new VirtualClock(startsAt, settled);
  readonly #adversary: Adversary;
  readonly #db = new MemoryFirestore(() => this.#clock.now());
  readonly #log = new RecordingLog();
  readonly #engine: Engine;
  readonly #outside: Ports;
  readonly #break: Break;
  readonly #walk: Walk;
  readonly #documents: Documents;
  readonly #tempers: Tempers;
  readonly #params: Readonly<Record<Generation, Surroundings['params']>>;
  readonly #leases: Leases;
  readonly #standstills: Standstills;
  readonly #quarantine: Quarantine;
  readonly #children: Children;
  readonly #versions: Versions;
  readonly #waiting: Waiting;
  readonly #maxAttempts: MaxAttempts;
  readonly #callbacks: Callbacks;
  readonly #workers: Workers;
  readonly #created: History['created'][number][] = [];
  readonly #deliveries = new Map<string, Delivery>();
  readonly #breaches: string[] = [];
  readonly #report = (breach: string): void => {
    if (!this.#breaches.includes(breach)) this.#breaches.push(breach);
  };
  readonly #newPorts = (): Ports => new WorkerProcess(this.#outside, this.#adversary, this.#break).ports;
  #timers = 0;
  #movedAt = startsAt;
  #lastUnique = 0;

  constructor(seed: number, breakProtocol: Break) {
    this.#seed = seed;
    this.#break = breakProtocol;
    this.#adversary = new Adversary(seed, this.#clock);
    this.#walk = drawWalk(this.#adversary.chance);
    const { onError, maxFailures, maxQuarantined, maxAttempts, childAttempts, mostWrites } = this.#walk;
    this.#maxAttempts = { iterate: maxAttempts, children: childAttempts };
    this.#engine = virtualEngine(
      this.#clock,
      seed,
      (request) => this.#workers.dispatch(request),
      this.#maxAttempts,
    );
    this.#engine.observe((event) => {
      if (event.kind === 'taskCreated') this.#taken(event.task);
      this.#waiting.queued(event, (taskName) => this.#deliveries.get(taskName));
    });
    // The last attempt, and one document too many that is set aside, end a run whatever the budget says.
    const isBudgeted = onError === 'retry' && maxAttempts === undefined && maxQuarantined > 1;
    const failures = new Failures(isBudgeted ? maxFailures : 0, this.#report);
    const callbackBudget = maxAttempts === undefined ? (onError === 'fail' ? 1 : maxFailures) : 0;
    this.#callbacks = new Callbacks(callbackBudget, this.#report);
    const readRun: ReadRun = (id, field) =>
      this.#db.read(`pageturnerRuns/${id}`).get(field) as Run[typeof field];
    this.#versions = new Versions(this.#walk.onOtherVersion, readRun, this.#report);
    this.#waiting = new Waiting(
      this.#walk.waitsForChildren,
      readRun,
      (harm) => this.#adversary.struck(harm),
      this.#report,
    );
    // A handler is stopped a tenth of its time before its lease ends.
    const { clocksDifferBy } = this.#adversary;
    const now = (): number => this.#clock.now();
    this.#leases = new Leases(now, clocksDifferBy, this.#walk.timeoutSeconds * 100, this.#report);
    this.#standstills = new Standstills(readRun, this.#report);
    this.#documents = new Documents(this.#db, this.#adversary, this.#walk);
    this.#tempers = new Tempers(this.#clock, this.#adversary, failures, this.#callbacks, this.#report);
    this.#params = { 1: paramsOf(1, this.#tempers), 2: paramsOf(2, this.#tempers) };
    this.#quarantine = new Quarantine(this.#db, this.#report);
    this.#children = new Children(this.#adversary);
    const observers = [
      new Onlooker({
        clock: this.#clock,
        adversary: this.#adversary,
        documents: this.#documents,
        tempers: this.#tempers,
      }),
      failures,
      this.#leases,
      this.#standstills,
      new Chains(this.#report),
      new Keys(this.#report),
      this.#callbacks,
      this.#versions,
      this.#waiting,
      new Repetitions(() => this.#adversary.struck('repetition'), this.#report),
      this.#quarantine,
      new Preparations(this.#report),
      new Schedules(now, this.#report),
      new Rates(
        (id) =>
          mostPerSecond(
            { task: readRun(id, 'task'), createdAt: readRun(id, 'createdAt') },
            this.#walk,
            this.#adversary,
            now(),
          ),
        clocksDifferBy,
        now,
        this.#report,
      ),
    ];
    const search = { adversary: this.#adversary, steps: this.#walk.searchSteps };
    const store = withLimit(
      withLongSearch(
        new MemoryRunStore(this.#db, async () => {
          if (this.#adversary.strikes('delay')) await this.#adversary.dawdle();
        }),
        search,
      ),
      mostWrites,
      this.#adversary,
    );
    this.#outside = {
      store: observed(store, this.#db, observers),
      queue: new EngineQueue(this.#engine),
      clock: toolkitClock(this.#clock),
      log: this.#log,
    };
    this.#workers = new Workers({
      adversary: this.#adversary,
      db: this.#db,
      outside: { ...this.#outside, store: withStaleReads(this.#outside.store, this.#adversary) },
      breakProtocol,
      newApp: (process, generation) => this.#newApp(process, generation),
      settled: () => this.#callbacks.through,
      paths: this.#documents.lasting,
      moved: () => (this.#movedAt = this.#clock.now()),
      pauseForAWhile: (run) =>
        pauseForAWhile({ clock: this.#clock, adversary: this.#adversary, newPorts: this.#newPorts }, run),
      report: this.#report,
    });
  }

  async run(): Promise<History> {
    const [clock, adversary, newPorts] = [this.#clock, this.#adversary, this.#newPorts];
    this.#documents.seed();
    this.#tempers.assign([...this.#documents.lasting], this.#walk.onError);
    this.#children.delay([...this.#documents.lasting]);
    if (this.#walk.waitsForChildren) {
      this.#children.assign([...this.#documents.lasting]);
      this.#db.commit((batch) => {
        for (const twig of ['one', 'two']) batch.set(`twigs/${twig}`, {});
      });
    }
    planDisturbances({
      clock,
      adversary,
      db: this.#db,
      documents: this.#documents,
      walk: this.#walk,
      runs: () => this.#runs(),
    });
    const runIds = (): string[] => this.#runs().map(({ id }) => id);
    const isLong = this.#walk.waitsForChildren;
    const forced = (runId: string): void => this.#standstills.forced(runId);
    const meddled = { clock, adversary, engine: this.#engine, newPorts, runIds, isLong, forced };
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
    this.#workers.planDeployment(clock);
    const app = this.#newApp(new WorkerProcess(this.#outside, adversary, this.#break), 1);
    start({ clock, adversary, newPorts, app }, this.#walk);
    await bringToAnEnd({
      clock,
      adversary,
      tempers: this.#tempers,
      dropsTasks: Object.values(this.#maxAttempts).some((most) => most !== undefined),
      waitsForChildren: this.#walk.waitsForChildren,
      calmPorts: this.#outside,
      newPorts,
      runs: () => this.#runs(),
      setAside: (run) => this.#db.documentsIn([`pageturnerRuns/${run}/setAside`]).length,
      startCalmly: () =>
        startOn(this.#outside, app.walk, {}, { startedBy: 'simulation', idempotencyKey: 'calm' }),
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
      moved: this.#documents.moved,
      callbacks: this.#callbacks,
      created: this.#created,
      left: left.reduce((sum, count) => sum + count, 0),
      strikes: adversary.strikesOf,
      breaches: this.#breaches,
      isEndless: this.#timers >= mostTimers,
    };
  }

  /** Until nothing is due any more, or nothing has moved for long but runs that look whether their children have ended. */
  async #runOut(): Promise<void> {
    this.#movedAt = this.#clock.now();
    while (this.#clock.now() < this.#movedAt + longestStillMs && this.#timers < mostTimers) {
      if (!(await this.#clock.runNext())) return;
      this.#timers += 1;
    }
  }

  #taken(task: Task): void {
    const { worker, body } = contentOf(task);
    const delivery = JSON.parse(body) as Delivery;
    this.#created.push({ worker, delivery });
    this.#deliveries.set(task.name, delivery);
  }

  #runs(): Run[] {
    return this.#db.documentsIn(['pageturnerRuns']).map((document) => document.data() as Run);
  }

  /** The user's code as a process of one deployment has it. */
  #newApp(process: WorkerProcess, generation: Generation): Application {
    return application(
      this.#walk,
      runtimeOf(process.ports, this.#maxAttempts, firstAttemptIn(this.#engine)),
      {
        step: () => process.step(),
        unique: () => (this.#lastUnique += 1),
        tempers: this.#tempers,
        children: this.#children,
        waiting: this.#waiting,
        callbacks: this.#callbacks,
        leases: this.#leases,
        standstills: this.#standstills,
        quarantine: this.#quarantine,
        versions: this.#versions,
        generation,
        params: this.#params[generation],
        begun: (what, due) => {
          const ms = due - this.#clock.now();
          if (ms > 0) this.#report(`${what} began ${ms} ms before its time`);
        },
        now: () => process.ports.clock.now(),
        waitSeconds: () =>
          this.#adversary.strikes('wait') ? this.#adversary.chance.between(1, 30) : undefined,
      },
    );
  }
}
