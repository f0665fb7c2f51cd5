import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'vitest';

/** Skips a test, and says why, where the real gcloud is not on this machine; in CI that is a failure. */
export function needGcloud(context: TestContext): void {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  if (folders.some((folder) => existsSync(join(folder, 'gcloud')))) return;
  if (process.env['CI'] === 'true') throw new Error('gcloud is not on PATH, and in CI it must be.');
  context.skip('not run: gcloud is not on PATH (https://cloud.google.com/sdk/docs/install)');
}
