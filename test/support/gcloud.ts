import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import type { TestContext } from 'vitest';
import { startEmulator, type Emulator } from '../../emulator/index.ts';

/** Skips a test, and says why, where the real gcloud is not on this machine; in CI that is a failure. */
export function needGcloud(context: TestContext): void {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  if (folders.some((folder) => existsSync(join(folder, 'gcloud')))) return;
  if (process.env['CI'] === 'true') throw new Error('gcloud is not on PATH, and in CI it must be.');
  context.skip('not run: gcloud is not on PATH (https://cloud.google.com/sdk/docs/install)');
}

/** For a whole test: one command takes about a second of a core, and a busy machine has little to give. */
export const GCLOUD_TIMEOUT_MS = 240_000;

/** The settings that point gcloud at an emulator. */
export function gcloudSettings({ url }: Emulator): Record<string, string> {
  return {
    CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDTASKS: `${url}/`,
    CLOUDSDK_AUTH_DISABLE_CREDENTIALS: 'true',
    CLOUDSDK_CORE_PROJECT: 'p',
  };
}

/** A command of one track's `tasks` family, typed without `gcloud TRACK tasks`, against an emulator that the running test has. */
export async function gcloudTasks(
  context: TestContext,
  track: 'alpha' | 'beta',
): Promise<{ readonly emulator: Emulator; readonly gcloud: (command: string) => Promise<unknown> }> {
  needGcloud(context);
  const emulator = await startEmulator({ project: 'p', location: 'l' });
  onTestFinished(() => emulator.close());
  const sdk = gcloudWith(gcloudSettings(emulator));
  return { emulator, gcloud: (command) => sdk.json(`${track} tasks ${command} --location=l`) };
}

export interface Gcloud {
  /** Runs a command as it would be typed, split at its spaces; rejects with its `code` and `stderr` if it fails. */
  run(command: string): Promise<{ stdout: string; stderr: string }>;
  /** What it prints with `--format=json`. */
  json(command: string): Promise<unknown>;
}

/** The real gcloud with these settings and a folder of its own: nobody's account and settings are read or touched. */
export function gcloudWith(settings: Readonly<Record<string, string>>): Gcloud {
  const home = mkdtempSync(join(tmpdir(), 'pageturner-gcloud-'));
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  const env = {
    PATH: process.env['PATH'],
    HOME: home,
    CLOUDSDK_CONFIG: join(home, 'gcloud'),
    CLOUDSDK_CORE_DISABLE_PROMPTS: 'true',
    ...settings,
  };
  const execute = promisify(execFile);
  const run: Gcloud['run'] = (command) => execute('gcloud', command.split(' '), { env });
  return {
    run,
    json: async (command) => JSON.parse((await run(`${command} --format=json`)).stdout) as unknown,
  };
}
