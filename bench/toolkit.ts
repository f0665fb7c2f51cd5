/**
 * `npm run bench`: what a chain of tasks costs over a bare loop that reads and writes the same pages, both measured in this one run,
 * in turns, on Google's Firestore emulator and this project's queue. The queue and the worker run in processes of their own.
 */
import { fileURLToPath } from 'node:url';
import { Firestore } from '@google-cloud/firestore';
import Table from 'cli-table3';
import { startFirestoreEmulator } from '../cli/local/firestore-emulator.ts';
import { startFunctions } from '../cli/local/functions.ts';
import { freePort } from '../cli/local/ports.ts';
import { startEmulator } from '../emulator/index.ts';
import { startTask } from '../lib/index.ts';
import { bareLoop } from './bare-loop.ts';
import { collection, pageSizes, walks } from './walk.ts';

const documents = Number(process.argv[2] ?? 2_000);
const rounds = 5;
const project = 'bench';

interface PageTime {
  readonly run: string;
  readonly start: number;
  readonly end: number;
}

await using firestore = await startFirestoreEmulator({ port: 0 });
await using queue = await startEmulator({
  port: 0,
  project,
  location: 'europe-west1',
  queues: [{ name: 'iterate', retryConfig: { minBackoff: '0.1s' } }],
});
const port = await freePort({ port: 0, service: 'the worker', setting: 'bench' });
Object.assign(process.env, {
  GOOGLE_CLOUD_PROJECT: project,
  PAGETURNER_LOCATION: 'europe-west1',
  PAGETURNER_FUNCTIONS_URL: `http://127.0.0.1:${port}`,
  PAGETURNER_SERVICE_ACCOUNT: `tasks@${project}.iam.gserviceaccount.com`,
  PAGETURNER_ISSUER: queue.issuer,
  CLOUD_TASKS_EMULATOR_HOST: `${queue.host}:${queue.port}`,
  FIRESTORE_EMULATOR_HOST: firestore.host,
  METADATA_SERVER_DETECTION: 'none',
});
const pageTimes: PageTime[] = [];
await using _functions = await startFunctions({
  entry: fileURLToPath(new URL('functions.ts', import.meta.url)),
  port,
  env: process.env,
  isReloading: false,
  onEvent(event) {
    if (event.kind === 'output' && event.line.startsWith('{"run"'))
      pageTimes.push(JSON.parse(event.line) as PageTime);
  },
});

const db = new Firestore({ projectId: project });
const writer = db.bulkWriter();
for (let n = 0; n < documents; n += 1)
  void writer.create(db.collection(collection).doc(`d${n}`), { visits: 0 });
await writer.close();

const table = new Table({
  head: ['page size', 'pages', 'bare loop', 'chain', 'chain / loop', 'end of page to next (p50)', '(p95)'],
  colAligns: ['right', 'right', 'right', 'right', 'right', 'right', 'right'],
  style: { head: [], border: [] },
});
for (const pageSize of pageSizes) {
  await oneChain(pageSize);
  await bareLoop(db, pageSize);
  const loops: number[] = [];
  const chains: number[] = [];
  const gaps: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    loops.push(await timed(() => bareLoop(db, pageSize)));
    let runId = '';
    chains.push(await timed(async () => (runId = await oneChain(pageSize))));
    gaps.push(...gapsOf(pageTimes.filter((page) => page.run === runId)));
  }
  const ratios = chains.map((chain, round) => chain / (loops[round] ?? Number.NaN));
  table.push([
    pageSize,
    Math.ceil(documents / pageSize),
    `${quantile(loops, 0.5).toFixed(0)} ms`,
    `${quantile(chains, 0.5).toFixed(0)} ms`,
    quantile(ratios, 0.5).toFixed(2),
    `${quantile(gaps, 0.5).toFixed(1)} ms`,
    `${quantile(gaps, 0.95).toFixed(1)} ms`,
  ]);
}
console.log(`${documents} documents, median of ${rounds} rounds\n${table.toString()}`);
await db.terminate();

async function oneChain(pageSize: number): Promise<string> {
  const walk = walks.find((candidate) => candidate.pageSize === pageSize);
  if (walk === undefined) throw new Error(`no walk of page size ${pageSize}`);
  const { promise: isComplete, resolve } = Promise.withResolvers<void>();
  const { runId } = await startTask(walk, {});
  const stop = db.doc(`pageturnerRuns/${runId}`).onSnapshot((run) => {
    if (run.get('state') === 'completed') resolve();
  });
  await isComplete;
  stop();
  return runId;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

function gapsOf(pages: readonly PageTime[]): number[] {
  return pages.slice(1).map((page, index) => page.start - (pages[index]?.end ?? Number.NaN));
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
