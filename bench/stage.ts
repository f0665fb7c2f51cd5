import { fileURLToPath } from 'node:url';
import { Firestore } from '@google-cloud/firestore';
import { startFirestoreEmulator } from '../cli/local/firestore-emulator.ts';
import { startFunctions } from '../cli/local/functions.ts';
import { freePort } from '../cli/local/ports.ts';
import { startEmulator } from '../emulator/index.ts';
import type { LoopTimes } from './bare-loop.ts';
import { startCountingProxy } from './counting-proxy.ts';
import type { BenchRequest } from './functions.ts';
import type { PageTime, WalkKind } from './walk.ts';

const project = 'bench';
const location = 'europe-west1';

export interface LoopOptions {
  readonly walk: WalkKind;
  readonly collection: string;
}

export interface ChainOptions extends LoopOptions {
  /** How long the handler of each page waits; 0 unless given. */
  readonly waitMs?: number;
  /** Child tasks that each page starts; none unless given. */
  readonly children?: number;
}

export interface ChainTimes {
  /** From asking for the start until the run is seen to be completed. */
  readonly totalMs: number;
  readonly pages: readonly PageTime[];
}

/**
 * Google's Firestore emulator, this project's queue, and the worker in a process of its own, with a way between the worker and the
 * other two on which each call is counted.
 */
export interface Stage extends AsyncDisposable {
  /** Makes a collection of so many documents, and gives its name. */
  fill(documents: number): Promise<string>;
  /** Walks a collection, and waits for the run's end. */
  chain(options: ChainOptions): Promise<ChainTimes>;
  /** Walks it in the worker's process, without a queue. */
  loop(options: LoopOptions & { readonly isEnqueueing: boolean }): Promise<LoopTimes>;
  /** The calls of the worker since they were counted last, by their method; empty when they are not counted. */
  takeCounts(): Record<string, number>;
}

/** @param isCounted whether calls are counted: the way by which they are takes time */
export async function startStage({ isCounted = false }: { isCounted?: boolean } = {}): Promise<Stage> {
  await using started = new AsyncDisposableStack();
  const firestore = started.use(await startFirestoreEmulator({ port: 0 }));
  const queue = started.use(
    await startEmulator({
      port: 0,
      project,
      location,
      queues: [{ name: 'iterate', retryConfig: { minBackoff: '0.1s' } }, { name: 'unserved' }],
    }),
  );
  const servers = [firestore.host, `${queue.host}:${queue.port}`];
  const proxies = isCounted ? await Promise.all(servers.map(startCountingProxy)) : [];
  for (const proxy of proxies) started.use(proxy);
  const [firestoreHost = '', tasksHost = ''] = isCounted ? proxies.map(({ host }) => host) : servers;
  const port = await freePort({ port: 0, service: 'the worker', setting: 'bench' });
  const functionsUrl = `http://127.0.0.1:${port}`;
  const pages: PageTime[] = [];
  started.use(
    await startFunctions({
      entry: fileURLToPath(new URL('functions.ts', import.meta.url)),
      port,
      env: {
        ...process.env,
        NODE_ENV: 'production',
        GOOGLE_CLOUD_PROJECT: project,
        PAGETURNER_LOCATION: location,
        PAGETURNER_FUNCTIONS_URL: functionsUrl,
        PAGETURNER_SERVICE_ACCOUNT: `tasks@${project}.iam.gserviceaccount.com`,
        PAGETURNER_ISSUER: queue.issuer,
        CLOUD_TASKS_EMULATOR_HOST: tasksHost,
        FIRESTORE_EMULATOR_HOST: firestoreHost,
        METADATA_SERVER_DETECTION: 'none',
      },
      isReloading: false,
      onEvent(event) {
        if (event.kind !== 'output') return;
        if (event.line.startsWith('{"run"')) pages.push(JSON.parse(event.line) as PageTime);
        else if (!event.line.startsWith('{"severity":"INFO"')) console.error(event.line);
      },
    }),
  );
  if (process.env['FIRESTORE_EMULATOR_HOST'] === undefined) {
    process.env['FIRESTORE_EMULATOR_HOST'] = firestore.host;
    // The next stage has another emulator.
    started.defer(() => void delete process.env['FIRESTORE_EMULATOR_HOST']);
  }
  process.env['METADATA_SERVER_DETECTION'] ??= 'none';
  const db = new Firestore({ projectId: project });
  started.defer(() => db.terminate());
  const all = started.move();

  const ask = async (request: BenchRequest): Promise<unknown> => {
    const response = await fetch(`${functionsUrl}/control`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(request),
    });
    if (!response.ok) throw new Error(`the worker answered ${response.status}: ${await response.text()}`);
    return await response.json();
  };
  return {
    async fill(documents) {
      const collection = db.collection(`things-${documents}`);
      const writer = db.bulkWriter();
      for (let n = 0; n < documents; n += 1) {
        void writer.set(collection.doc(String(n).padStart(8, '0')), { visits: 0 });
      }
      await writer.close();
      return collection.path;
    },
    async chain(options) {
      const startedAt = performance.now();
      const { runId } = (await ask({ kind: 'start', ...options })) as { runId: string };
      // Each task is enqueued before the one that made it is answered. (A listener on the run would slow the emulator's commits.)
      await queue.settled();
      const totalMs = performance.now() - startedAt;
      const { state } = (await db.doc(`pageturnerRuns/${runId}`).get()).data() ?? {};
      if (state !== 'completed') throw new Error(`the run is ${state}, and nothing is left to do`);
      return { totalMs, pages: pages.filter(({ run }) => run === runId) };
    },
    async loop(options) {
      return (await ask({ kind: 'loop', ...options })) as LoopTimes;
    },
    takeCounts: () =>
      Object.assign({}, ...proxies.map((proxy) => proxy.takeCounts())) as Record<string, number>,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
