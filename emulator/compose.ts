import { randomInt } from 'node:crypto';
import { ActivityLog } from './admin/activity-log.ts';
import type { TaskLogEntry, TaskLogFilter } from './admin/activity-log.ts';
import { Admin } from './admin/admin.ts';
import type { TimeLimit } from './admin/admin.ts';
import { AttemptLog } from './admin/attempt-log.ts';
import type { AttemptFilter, AttemptRecord, Delivery } from './admin/attempt-log.ts';
import { EmulatorTime } from './admin/emulator-time.ts';
import { FaultInjector } from './admin/fault-injector.ts';
import { Graveyard } from './admin/graveyard.ts';
import { adminHttp } from './admin/http.ts';
import { Metrics } from './admin/metrics.ts';
import type { QueueInput } from './core/input.ts';
import type { AppEngineUrl } from './dispatch/app-engine-origin.ts';
import { HttpDispatcher } from './dispatch/http-dispatcher.ts';
import {
  generateSigningKey,
  signingKeyFromText,
  signingKeyToText,
  TokenSigner,
} from './dispatch/token-signer.ts';
import type { SigningKey } from './dispatch/token-signer.ts';
import { Engine, STRICT_SETTINGS } from './engine/engine.ts';
import type { EngineSettings } from './engine/engine.ts';
import type { EngineListener } from './engine/events.ts';
import { Production } from './engine/production.ts';
import type { Profile, Warning } from './engine/production.ts';
import { SeededRandom } from './engine/random.ts';
import { isWildcard, localUrl, webAddress } from './server/address.ts';
import { bufferTask } from './server/buffer-task.ts';
import { cloudTasks } from './server/cloud-tasks.ts';
import { grpcHealth } from './server/grpc-health.ts';
import { GrpcOnDemand } from './server/grpc-on-demand.ts';
import { health } from './server/health.ts';
import { isLoopbackHost } from './server/browser-guard.ts';
import { createHttpServer } from './server/http.ts';
import { issuer } from './server/issuer.ts';
import { messageFromJson } from './server/json-decode.ts';
import { locations } from './server/locations.ts';
import { queueFromProto } from './server/messages/queue.ts';
import { storedSizeOf } from './server/messages/task.ts';
import { metadata } from './server/metadata.ts';
import { counted, metricsPage } from './server/metrics.ts';
import { Operations } from './server/operations.ts';
import { Port } from './server/port.ts';
import { createRest } from './server/rest.ts';
import { queueV2Type } from './server/schema.ts';
import { tokenInfo } from './server/token-info.ts';
import { v2 } from './server/v2/version.ts';
import { uploadQueueYaml } from './server/v2beta2/upload-queue-yaml.ts';
import { v2beta2 } from './server/v2beta2/version.ts';
import { v2beta3 } from './server/v2beta3/version.ts';
import { MemoryStore } from './store/memory.ts';
import { SqliteStore } from './store/sqlite.ts';

const VIRTUAL_START = Date.UTC(2026, 0, 1);
const ANSWER_WITHIN_MS = 10_000;
/** Under which name the signing key stands in the data file. */
const KEY_TEXT = 'signing-key';

/** A queue as the API's own JSON has it, its name being an id. */
export interface QueueSettings {
  readonly name: string;
  readonly rateLimits?: object | undefined;
  readonly retryConfig?: object | undefined;
}

export interface EmulatorOptions {
  /** Where it listens; 127.0.0.1 unless given. Whoever can reach it can use it: there are no credentials. */
  readonly host?: string;
  /** 0, the default, takes any that is free. */
  readonly port?: number;
  /**
   * Under which address those reach it who verify its tokens, if that is not `http://HOST:PORT`: behind a proxy, or from a container. It is the
   * issuer of the tokens. Unless given, `url`.
   */
  readonly publicUrl?: string | undefined;
  /** The project of the queues below; `demo-pageturner` unless given. Queues may be created in any. */
  readonly project?: string;
  /** The location of the queues below; `us-central1` unless given. Queues may be created in any. */
  readonly location?: string;
  /** The queues that exist from the start. */
  readonly queues?: readonly QueueSettings[];
  /**
   * Where App Engine tasks are delivered: one address such as `http://127.0.0.1:8080`, or one by service, `version.service` or
   * `default`. Without it they cannot be, and their attempts fail.
   */
  readonly appEngineUrl?: AppEngineUrl;
  /** Whether an HTTP target's redirect is followed within the attempt. Default no: it counts as a failure, as was recorded. */
  readonly followRedirects?: boolean;
  /**
   * `local`, the default, lets through what works on one machine though the service refuses it: tokens over `http://`, queues that
   * are new or whose name was just given up. `strict` refuses all of it, in the service's own words.
   */
  readonly profile?: Profile;
  /** What is not public of the service, or differs between its pages: how long names stay taken, and what slows queues down. */
  readonly settings?: Partial<EngineSettings>;
  /** Told of what would go otherwise in production, once for each kind and queue; nobody unless given. */
  readonly onWarning?: (warning: Warning) => void;
  /**
   * A file that holds queues, tasks, names that are taken, attempts and the signing key, so that all of it outlives the process, however
   * that ends; it is made if it is missing. What was being delivered is delivered again. Without it everything is kept in memory.
   */
  readonly dataFile?: string | undefined;
  /**
   * Told when tasks cannot be dispatched because the data file cannot be written (its disk is full, say), and when they are again; standard
   * error unless given. Requests that would change something answer UNAVAILABLE meanwhile.
   */
  readonly onDataFileTrouble?: (message: string) => void;
  /**
   * `system`, the default: time passes. `virtual`: time stands until `clock` moves it, and begins at 2026-01-01T00:00:00Z, so that a day
   * passes in an instant and a test repeats itself. Either can be changed later, by `clock.freeze()` and `clock.resume()`.
   */
  readonly clock?: 'system' | 'virtual';
  /** What all chance comes from (task ids, faults): any integer, of which the low 32 bits count. Random unless given. */
  readonly seed?: number;
  /**
   * While the clock is frozen: how long, in ms of real time, a target may take before it counts as one that hangs until its deadline. Default
   * 10,000.
   */
  readonly answerWithinMs?: number;
  /** Told of each defect of the emulator itself; standard error unless given. */
  readonly onDefect?: (error: unknown) => void;
}

/** An emulator that answers. */
export interface Emulator extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /**
   * `http://HOST:PORT`: where REST, the tokens' keys and `/healthz` are for clients on this machine. gRPC is at the same host and port. Where it
   * listens at all addresses, `HOST` is that of loopback.
   */
  readonly url: string;
  /** The issuer of the tokens that it attaches: `publicUrl` if it was given, else `url`. */
  readonly issuer: string;
  /** Calls the listener for each event from now on; what is returned ends that. A listener must not throw. */
  observe(listener: EngineListener): () => void;
  /** The seed of its chance: started with it again, it decides the same. */
  readonly seed: number;
  /** Its time, which moves as it is told only while it is frozen: from the start with `clock: 'virtual'`, or since `freeze()`. */
  readonly clock: Pick<Admin, 'now' | 'nextDueAt' | 'isFrozen' | 'freeze' | 'advance' | 'runNext' | 'resume'>;
  /** What is to go wrong. */
  readonly faults: Pick<FaultInjector, 'add' | 'remove' | 'clear' | 'list'>;
  /** The tasks that ran out of attempts. */
  readonly graveyard: Pick<Graveyard, 'list' | 'requeue'>;
  /**
   * What the service would have written to Cloud Logging of the tasks of queues that have a `stackdriverLoggingConfig`: the newest 10,000
   * entries, oldest first.
   */
  taskLogs(filter?: TaskLogFilter): readonly TaskLogEntry[];
  /** The newest 10,000 attempts that fit the filter, those out and those of tasks that are gone among them, in the order of their start. */
  attempts(filter?: AttemptFilter): readonly AttemptRecord[];
  /** The requests that targets got, with what came of them, in the order of their end. */
  deliveries(filter?: AttemptFilter): readonly Delivery[];
  /**
   * Resolves to `deliveries(filter)` once they are `count` or more. Waits up to 4 s unless told otherwise; runs a virtual clock on.
   *
   * @throws ApiError DEADLINE_EXCEEDED that tells what came instead
   */
  waitForDeliveries(filter: AttemptFilter, count: number, limit?: TimeLimit): Promise<readonly Delivery[]>;
  /**
   * Resolves when no queue holds a task and no attempt is out. Waits without end unless told otherwise; runs a virtual clock on.
   *
   * @throws ApiError DEADLINE_EXCEEDED that tells what is left
   */
  idle(limit?: TimeLimit): Promise<void>;
  /**
   * Resolves when no attempt is out and none may start: what is left waits for its time or a retry, or in a queue that is paused or pulled from. It never
   * moves a virtual clock.
   */
  settled(limit?: TimeLimit): Promise<void>;
  /**
   * Begins again: the queues of the start as they were given, and no other queue, task, name, fault or history. Attempts that are out are
   * cut off; a virtual clock goes back to its start, and chance repeats.
   */
  reset(): Promise<void>;
  /** Stops: takes no more requests and cuts off the attempts that are out. Closing twice is the same as once. */
  close(): Promise<void>;
}

/**
 * Starts a Cloud Tasks emulator in this process: gRPC, REST, an OIDC issuer and a metadata server on one port of this machine.
 *
 * @throws ApiError INVALID_ARGUMENT for a queue that the service would refuse, and for what is no address
 * @throws DataFileError where the data file cannot be used
 * @throws the system's error where the port cannot be had (`code` is `EADDRINUSE`)
 *
 * @example
 * await using emulator = await startEmulator({ queues: [{ name: 'mail' }] });
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { host = '127.0.0.1', port = 0, project = 'demo-pageturner', location = 'us-central1' } = options;
  const { queues = [], onDefect = reportDefect, seed = randomInt(2 ** 32) } = options;
  const { onDataFileTrouble = console.error } = options;
  const publicUrl = options.publicUrl === undefined ? undefined : webAddress('publicUrl', options.publicUrl);
  const production = new Production(options);
  if (!isLoopbackHost(host)) production.warn('open-host', host, openHostText(host, publicUrl));
  const declared = queues.map((queue) => declaredQueue(queue, `projects/${project}/locations/${location}`));
  await using started = new AsyncDisposableStack();
  const startAt = options.clock === 'virtual' ? VIRTUAL_START : Date.now();
  const file =
    options.dataFile === undefined ? undefined : started.use(new SqliteStore(options.dataFile, startAt));

  // The issuer names the port, so the port comes first.
  const taken = started.use(await Port.take({ host, port }));
  const url = localUrl(host, taken.number);
  const tokens = new TokenSigner(() => keptSigningKey(file), publicUrl ?? url);
  const random = new SeededRandom(seed);
  const attempts = new AttemptLog();
  const { answerWithinMs = ANSWER_WITHIN_MS } = options;
  const frozenAt = options.clock === 'virtual' ? VIRTUAL_START : undefined;
  const clock = new EmulatorTime({ frozenAt, answerWithinMs });
  const faults = new FaultInjector({ clock, seed });
  const dispatcher = started.use(
    new HttpDispatcher({
      onExchange: attempts.exchanged,
      tokens,
      appEngineUrl: checkedAppEngineUrl(options.appEngineUrl),
      followRedirects: options.followRedirects,
    }),
  );
  const store = file ?? new MemoryStore();
  const engine = started.use(
    new Engine({
      clock,
      random,
      store,
      dispatch: faults.wrap(clock.wrap(dispatcher.dispatch)),
      sizeOf: storedSizeOf,
      production,
      settings: {
        ...(options.profile === 'strict' && STRICT_SETTINGS),
        ...options.settings,
      },
    }),
  );
  engine.observe((event) => {
    if (event.kind === 'storeFailed') onDataFileTrouble(event.message);
    if (event.kind === 'storeRecovered')
      onDataFileTrouble('The data file can be written again: tasks go out.');
  });
  faults.guardCreate(engine.tasks);
  const graveyard = new Graveyard({ tasks: engine.tasks, attempts });
  const activity = new ActivityLog((name) => engine.queues.find(name), seed);
  const metrics = new Metrics({
    listQueues: () => store.listQueues(),
    stats: (name) => engine.queues.stats(name),
  });
  engine.observe(metrics.listener);
  const operations = new Operations();
  const begin = (): void => {
    random.restart();
    operations.forgetAll();
    metrics.clear();
    for (const queue of declared) engine.queues.declare(queue);
    production.queuesAreKnown();
  };
  begin();
  const admin = started.use(new Admin({ engine, clock, faults, attempts, graveyard, activity, begin }));
  const upload = uploadQueueYaml(engine, location);
  const versions = [v2, v2beta3, v2beta2(upload.rpc)];
  const surfaces = [
    ...versions.map((version) => counted(cloudTasks(engine, version, operations), metrics.called)),
    locations(location),
    operations.surface(),
  ];
  const handlers = [
    createRest(surfaces),
    bufferTask(engine, versions),
    upload.http,
    issuer(tokens),
    tokenInfo(tokens),
    metadata(tokens, { project, email: `developer@${project}.iam.gserviceaccount.com` }),
    health,
    metricsPage(() => metrics.text()),
    adminHttp(admin),
  ];
  taken.serve({
    grpc: new GrpcOnDemand([...surfaces, grpcHealth(surfaces)], {
      reportDefect: onDefect,
      // A call's deadline is one of real time, whatever the clock of the tasks says.
      checkCall: (rpc, call) => production.checkCall(rpc, call, Date.now()),
    }),
    http: createHttpServer(handlers, { reportDefect: onDefect, publicUrl }),
  });

  const all = started.move();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= all.disposeAsync());
  return {
    host,
    port: taken.number,
    url,
    issuer: tokens.issuer,
    observe: (listener) => engine.observe(listener),
    seed,
    clock: admin,
    faults,
    graveyard,
    attempts: (filter) => admin.attempts(filter),
    taskLogs: (filter) => activity.entries(filter),
    deliveries: (filter) => admin.deliveries(filter),
    waitForDeliveries: (filter, count, limit) => admin.waitForDeliveries(filter, count, limit),
    idle: (limit) => admin.idle(limit),
    settled: (limit) => admin.settled(limit),
    reset: () => admin.reset(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The key of the file, so that tokens verify across restarts; without a file a new one. */
async function keptSigningKey(file: SqliteStore | undefined): Promise<SigningKey> {
  const kept = file?.readText(KEY_TEXT);
  if (kept !== undefined) return await signingKeyFromText(kept);
  const key = await generateSigningKey();
  file?.writeText(KEY_TEXT, await signingKeyToText(key));
  return key;
}

function openHostText(host: string, publicUrl: string | undefined): string {
  const open =
    'the emulator listens to other machines too, and whoever reaches it can use it: there are no credentials.';
  if (!isWildcard(host) || publicUrl !== undefined) return open;
  return `${open} The issuer of its tokens is an address of this machine only: give publicUrl (--public-url) if others verify them.`;
}

function checkedAppEngineUrl(url: AppEngineUrl | undefined): AppEngineUrl | undefined {
  if (typeof url === 'string') return webAddress('appEngineUrl', url);
  return (
    url &&
    Object.fromEntries(
      Object.entries(url).map(([name, each]) => [name, webAddress(`appEngineUrl.${name}`, each)]),
    )
  );
}

function declaredQueue({ name, ...settings }: QueueSettings, location: string): QueueInput {
  const json = { ...settings, name: `${location}/queues/${name}` };
  return queueFromProto(messageFromJson(queueV2Type, json, { path: 'queue' }));
}

function reportDefect(error: unknown): void {
  console.error('The Cloud Tasks emulator has a defect; please report it:', error);
}
