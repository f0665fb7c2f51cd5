import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { request } from 'undici';

const ROUNDS = 4;

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Ms from the start of the process of `pageturner emulator` to its first answer: the quickest of a few, for the others tell of what else
 * the machine was doing.
 */
export interface StartTimes {
  /** With Node's compile cache empty, as after an installation. */
  readonly firstMs: number;
  readonly laterMs: number;
}

/** The starts from the sources and from the build, which is made in this folder as the package would hold it. */
export async function measureStarts(folder: string): Promise<Readonly<Record<string, StartTimes>>> {
  const built = join(folder, 'package');
  await rm(built, { recursive: true, force: true });
  await mkdir(built, { recursive: true });
  await run('tsc', ['-p', 'tsconfig.build.json', '--outDir', join(built, 'dist')], { cwd: repository });
  await cp(join(repository, 'bin'), join(built, 'bin'), { recursive: true });
  await copyFile(join(repository, 'package.json'), join(built, 'package.json'));
  await symlink(join(repository, 'node_modules'), join(built, 'node_modules'));
  return { sources: await startTimes(repository, folder), build: await startTimes(built, folder) };
}

async function startTimes(root: string, folder: string): Promise<StartTimes> {
  const cache = join(folder, 'compile-cache');
  const times = { firstMs: Number.POSITIVE_INFINITY, laterMs: Number.POSITIVE_INFINITY };
  for (let round = 0; round < ROUNDS; round += 1) {
    await rm(cache, { recursive: true, force: true });
    times.firstMs = Math.min(times.firstMs, await startTime(root, cache));
    for (let n = 0; n < 2; n += 1) times.laterMs = Math.min(times.laterMs, await startTime(root, cache));
  }
  return times;
}

async function startTime(root: string, cache: string): Promise<number> {
  const startedAt = performance.now();
  using emulator = spawn(
    process.execPath,
    [join(root, 'bin', 'pageturner.js'), 'emulator', '--port', '0', '--json'],
    { env: { ...process.env, NODE_COMPILE_CACHE: cache }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [line] = (await once(emulator.stdout, 'data')) as [Buffer];
  const { url } = JSON.parse(line.toString('utf8')) as { url: string };
  const answer = await request(`${url}/healthz`);
  await answer.body.text();
  const ms = performance.now() - startedAt;
  emulator.kill();
  await once(emulator, 'exit');
  return ms;
}
