import { randomInt } from 'node:crypto';
import { ActivityLog } from './admin/activity-log.ts';
import { Admin } from './admin/admin.ts';
import { AttemptLog } from './admin/attempt-log.ts';
import { CallerTrace } from './admin/caller-trace.ts';
import { EmulatorTime } from './admin/emulator-time.ts';
import { FaultInjector } from './admin/fault-injector.ts';
import { Graveyard } from './admin/graveyard.ts';
import { adminHttp, maxAdminBytes } from './admin/http.ts';
import { Metrics } from './admin/metrics.ts';
import { TaskHistory } from './admin/task-history.ts';
import { checkNode, checkOptions } from './check-options.ts';
import { consoleOnDemand } from './console/on-demand.ts';
import type { Task } from './core/model.ts';
import type { AppEngineUrl } from './dispatch/app-engine-origin.ts';
import type { Emulator, EmulatorOptions } from './emulator.ts';
import { HttpDispatcher } from './dispatch/http-dispatcher.ts';
import { traceparentOf } from './dispatch/trace-context.ts';
import { Rewrites } from './dispatch/rewrites.ts';
import {
  generateSigningKey,
  signingKeyFromText,
  signingKeyToText,
  TokenSigner,
} from './dispatch/token-signer.ts';
import type { SigningKey } from './dispatch/token-signer.ts';
import { Engine, STRICT_SETTINGS } from './engine/engine.ts';
import { Production } from './engine/production.ts';
import { SeededRandom } from './engine/random.ts';
import { isWildcard, localUrl, webAddress } from './server/address.ts';
import { bufferTask } from './server/buffer-task.ts';
import { cloudTasks } from './server/cloud-tasks.ts';
import { DeclaredQueues } from './server/declared-queues.ts';
import { Exports } from './server/exports.ts';
import { grpcHealth } from './server/grpc-health.ts';
import { GrpcOnDemand } from './server/grpc-on-demand.ts';
import { health } from './server/health.ts';
import { isLoopbackHost } from './server/browser-guard.ts';
import { createHttpServer, type HttpHandler } from './server/http.ts';
import { issuer } from './server/issuer.ts';
import { locations } from './server/locations.ts';
import { storedSizeOf } from './server/messages/task.ts';
import { metadata } from './server/metadata.ts';
import { counted, metricsPage } from './server/metrics.ts';
import { Operations } from './server/operations.ts';
import { Port } from './server/port.ts';
import { createRest } from './server/rest.ts';
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

/**
 * Starts a Cloud Tasks emulator in this process: gRPC, REST, an OIDC issuer and a metadata server on one port of this machine.
 *
 * @throws ApiError INVALID_ARGUMENT for a queue that the service would refuse, and for any other option that cannot be meant
 * @throws DataFileError where the data file cannot be used
 * @throws the system's error where the port cannot be had (`code` is `EADDRINUSE`)
 *
 * @example
 * await using emulator = await startEmulator({ queues: [{ name: 'mail' }] });
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  checkNode(process.versions.node);
  checkOptions(options);
  const { host = '127.0.0.1', port = 0, project = 'demo-pageturner', location = 'us-central1' } = options;
  const { queues = [], onDefect = reportDefect, seed = randomInt(2 ** 32) } = options;
  const { onDataFileTrouble = console.error } = options;
  const publicUrl = options.publicUrl === undefined ? undefined : webAddress('publicUrl', options.publicUrl);
  const production = new Production(options);
  if (!isLoopbackHost(host)) production.warn('open-host', host, openHostText(host, publicUrl));
  const place = `projects/${project}/locations/${location}`;
  const declared = new DeclaredQueues(place, queues);
  const rewrites = new Rewrites(options.rewrite);
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
  const traceparent = options.traceContext
    ? (task: Task, attempt: number) => traceparentOf(task, attempt, seed)
    : undefined;
  const dispatcher = started.use(
    new HttpDispatcher({
      onExchange: attempts.exchanged,
      tokens,
      appEngineUrl: checkedAppEngineUrl(options.appEngineUrl),
      followRedirects: options.followRedirects,
      traceparentOf: traceparent && (({ task }) => traceparent(task, task.dispatchCount + 1)),
      rewrites,
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
  const callerTrace = new CallerTrace();
  const history = new TaskHistory({ callerTrace, traceparentOf: traceparent });
  engine.observe(history.listener);
  const operations = new Operations();
  const begin = (): void => {
    random.restart();
    operations.forgetAll();
    metrics.clear();
    history.clear();
    declared.makeAll(engine.queues);
    production.queuesAreKnown();
  };
  const { snapshot } = options;
  const admin = started.use(
    new Admin({ engine, clock, faults, attempts, graveyard, activity, random, begin, snapshot }),
  );
  await admin.begin();
  const upload = uploadQueueYaml(engine, location);
  const exports = new Exports(engine, place);
  const versions = [v2, v2beta3, v2beta2(upload.rpc)];
  const surfaces = [
    ...versions.map((version) => counted(cloudTasks(engine, version, operations), metrics.called)),
    locations(location),
    operations.surface(),
  ];
  const inTraceOf =
    (handler: HttpHandler): HttpHandler =>
    (request) => {
      callerTrace.begin(request.headers['traceparent'] as string | undefined);
      return handler(request);
    };
  const handlers = [
    inTraceOf(createRest(surfaces)),
    inTraceOf(bufferTask(engine, versions)),
    upload.http,
    issuer(tokens),
    tokenInfo(tokens),
    metadata(tokens, { project, email: `developer@${project}.iam.gserviceaccount.com` }),
    health,
    metricsPage(() => metrics.text()),
    exports.http,
    adminHttp(admin),
    consoleOnDemand({
      now: () => admin.now(),
      isFrozen: () => admin.isFrozen,
      listQueues: () => store.listQueues(),
      stats: (name) => engine.queues.stats(name),
      getTask: (name) => store.getTask(name),
      listTasks: (name, page) => store.listTasks(name, page),
      attempts,
      history,
      graveyard,
      observe: (listener) => engine.observe(listener),
    }),
  ];
  taken.serve({
    grpc: new GrpcOnDemand([...surfaces, grpcHealth(surfaces)], {
      reportDefect: onDefect,
      // A call's deadline is one of real time, whatever the clock of the tasks says.
      checkCall: (rpc, call) => {
        production.checkCall(rpc, call, Date.now());
        callerTrace.begin(call.traceparent);
      },
    }),
    http: createHttpServer(handlers, { reportDefect: onDefect, publicUrl, maxBytes: maxAdminBytes }),
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
    snapshot: () => admin.snapshot(),
    restore: (snapshot) => admin.restore(snapshot),
    exportQueues: () => exports.queues(),
    exportTasks: (filter) => exports.tasks(filter),
    reconfigure: (changes) => {
      const rules = changes.rewrite && new Rewrites(changes.rewrite);
      const done = changes.queues && declared.replace(changes.queues, engine.queues);
      if (rules !== undefined) dispatcher.rewriteBy(rules);
      return done ?? { created: [], updated: [], left: [] };
    },
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

function reportDefect(error: unknown): void {
  console.error('The Cloud Tasks emulator has a defect; please report it:', error);
}
