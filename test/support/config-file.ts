import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

/** A folder that is there until the test ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pageturner-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Writes a configuration with free ports and a project of its own, changed as given, and gives its path.
 *
 * @param folder where; one that is there until the test ends unless given
 */
export function configFile(changes: object = {}, folder: string = temporaryFolder()): string {
  const file = join(folder, 'emulator.config.json');
  const config = {
    project: `test-${randomUUID().slice(0, 18)}`,
    ports: { tasks: 0, firestore: 0, functions: 0, smtp: 0 },
    queues: [{ name: 'iterate' }, { name: 'mail' }],
    ...changes,
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** The same for a whole test file: it is there until the file's tests have ended. */
export function standingConfigFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pageturner-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return configFile({}, folder);
}
