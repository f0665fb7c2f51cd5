/**
 * `npm run bench:emulator`: this project's Cloud Tasks emulator, in memory (over REST, and over gRPC) and on a file, beside the tasks emulator
 * of firebase-tools, in turns, on the same target and but for gRPC through the same calls; then its start, its rest, and a million tasks.
 * firebase-tools is installed in the temporary folder for it; where it cannot be had, its column is missing.
 */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import Table from 'cli-table3';
import { startGuarded } from '../../cli/local/guard.ts';
import type { GuardedProcess } from '../../cli/local/guard.ts';
import { Load, Target } from './load.ts';
import type { Score } from './load.ts';
import { measureStarts } from './start.ts';

const ROUNDS = 3;
const TASKS = 4000;
/** Enough that not two slow ones decide the 99th percentile. */
const LATENCY_TASKS = 2000;
const IDLE_SECONDS = 5;

// There is no metadata server to ask, and the client says so aloud.
process.env['METADATA_SERVER_DETECTION'] ??= 'none';

const run = promisify(execFile);
const folder = join(tmpdir(), 'pageturner-bench');
await rm(join(folder, 'data'), { recursive: true, force: true });
await mkdir(join(folder, 'data'), { recursive: true });
const hasFirebase = await installFirebaseTools();
const kinds = ['memory', 'gRPC', 'durable', ...(hasFirebase ? ['firebase-tools'] : [])];
const scores = new Map<string, Score[]>(kinds.map((kind) => [kind, []]));

for (let round = 0; round < ROUNDS; round += 1) {
  for (const kind of kinds) scores.get(kind)?.push(await score(kind, round));
}
const table = new Table({ head: ['median of 3', ...kinds], style: { head: [], border: [] } });
table.push(
  row('creates per second', ({ createsPerSecond }) => createsPerSecond.toFixed(0)),
  row('dispatches per second', ({ dispatchesPerSecond }) => dispatchesPerSecond.toFixed(0)),
  row('create to arrival, p50', ({ p50Ms }) => `${p50Ms.toFixed(1)} ms`),
  row('create to arrival, p99', ({ p99Ms }) => `${p99Ms.toFixed(1)} ms`),
);
console.log(table.toString());
if (!hasFirebase) console.log('firebase-tools could not be installed, and was not measured.');
for (const [origin, { firstMs, laterMs }] of Object.entries(await measureStarts(folder))) {
  const [first, later] = [firstMs.toFixed(0), laterMs.toFixed(0)];
  console.log(`from process start to first answer, ${origin}: ${first} ms at first, ${later} ms later`);
}
console.log(`CPU while idle for ${IDLE_SECONDS} s: ${(await idleShare()).toFixed(2)} % of one core`);
const file = join(folder, 'data', 'million.db');
await tellOfMillion('in memory', ['fill']);
await tellOfMillion('--data FILE', ['fill', file]);
await tellOfMillion('--data FILE, opened again', ['open', file]);
await rm(join(folder, 'data'), { recursive: true, force: true });

async function score(kind: string, round: number): Promise<Score> {
  await using contender = await startContender(kind, round);
  const url = await urlOf(contender);
  await using target = new Target();
  await using load = new Load(kind, url, target, await target.listen());
  await load.makeQueues(kind);
  await load.throughput(500);
  const throughput = await load.throughput(TASKS);
  const latency = await load.latency(LATENCY_TASKS);
  return { ...throughput, ...latency };
}

async function startContender(kind: string, round: number): Promise<GuardedProcess> {
  const place = kind === 'durable' ? join(folder, 'data', `tasks-${round}.db`) : folder;
  const contender = await startGuarded({
    command: process.execPath,
    args: [path('contender.ts'), kind, place],
  });
  contender.stderr?.pipe(process.stderr, { end: false });
  return contender;
}

/** What it prints when it answers. Reading goes on: whoever is not read comes to a stand. */
async function urlOf({ stdout, exited }: GuardedProcess): Promise<string> {
  const url = Promise.withResolvers<string>();
  createInterface({ input: stdout as Readable }).on('line', (line) => {
    if (line.startsWith('http://')) url.resolve(line);
  });
  const died = exited.then(({ code, signal }) => {
    throw new Error(`An emulator ended (${signal ?? code}) before it answered.`);
  });
  return await Promise.race([url.promise, died]);
}

/** Share of one core, in percent, that an emulator with nothing to do takes. Linux only: it reads /proc. */
async function idleShare(): Promise<number> {
  await using contender = await startContender('memory', 0);
  await urlOf(contender);
  await sleep(1000);
  const before = await ticksOf(contender.pid);
  await sleep(IDLE_SECONDS * 1000);
  return ((await ticksOf(contender.pid)) - before) / IDLE_SECONDS;
}

/** CPU time in hundredths of a second, user and system together. */
async function ticksOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

interface Million {
  readonly insertUs?: Readonly<Record<string, number>>;
  readonly dispatchUs?: Readonly<Record<string, number>>;
  readonly openMs?: number;
  readonly rssMiB: number;
  readonly fileMiB?: number;
}

/** A million scheduled tasks in a process of their own, without a network. */
async function tellOfMillion(kind: string, args: readonly string[]): Promise<void> {
  const { stdout } = await run(process.execPath, ['--expose-gc', path('million.ts'), ...args]);
  const { insertUs = {}, dispatchUs = {}, openMs, rssMiB, fileMiB } = JSON.parse(stdout) as Million;
  console.log(
    `1,000,000 tasks, ${kind}: ${rssMiB.toFixed(0)} MiB of memory, file ${fileMiB?.toFixed(0) ?? '-'} MiB`,
  );
  if (openMs !== undefined) console.log(`  opened in ${(openMs / 1000).toFixed(1)} s`);
  for (const [count, us] of Object.entries(insertUs)) {
    console.log(`  with ${count}: insert ${us.toFixed(1)} µs, dispatch ${dispatchUs[count]?.toFixed(1)} µs`);
  }
}

async function installFirebaseTools(): Promise<boolean> {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true }));
  try {
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', 'firebase-tools@15'], {
      cwd: folder,
    });
    return true;
  } catch {
    return false;
  }
}

function row(name: string, text: (score: Score) => string): string[] {
  const middle = (kind: string): Score => {
    const all = scores.get(kind) ?? [];
    const of = (key: keyof Score): number => median(all.map((each) => each[key]));
    return {
      createsPerSecond: of('createsPerSecond'),
      dispatchesPerSecond: of('dispatchesPerSecond'),
      p50Ms: of('p50Ms'),
      p99Ms: of('p99Ms'),
    };
  };
  return [name, ...kinds.map((kind) => text(middle(kind)))];
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function path(file: string): string {
  return fileURLToPath(new URL(file, import.meta.url));
}
