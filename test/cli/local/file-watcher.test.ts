import * as fs from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { FileWatcher } from '../../../cli/local/file-watcher.ts';
import { temporaryFolder } from '../../support/config-file.ts';

vi.mock('node:fs', { spy: true });

interface Watching {
  readonly watcher: FileWatcher;
  readonly folder: string;
  readonly file: string;
  /** Makes a change, and gives the file that is told of. */
  readonly after: (change: () => void) => Promise<string>;
}

function watching(): Watching {
  const folder = join(temporaryFolder(), 'dist');
  const file = join(folder, 'index.js');
  make(folder, file);
  let told = Promise.withResolvers<string>();
  const watcher = new FileWatcher((changed) => told.resolve(changed));
  onTestFinished(() => watcher.close());
  watcher.add(file);
  const after = async (change: () => void): Promise<string> => {
    told = Promise.withResolvers<string>();
    change();
    return await told.promise;
  };
  return { watcher, folder, file, after };
}

function make(folder: string, file: string): void {
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(file, '1');
}

test('a folder that is deleted and made again is watched again, and its file counts as changed', async () => {
  const { folder, file, after } = watching();
  await after(() => fs.rmSync(folder, { recursive: true }));
  expect(await after(() => make(folder, file))).toBe(file);
  expect(await after(() => fs.writeFileSync(file, '2'))).toBe(file);
});

test('so is a folder in whose place another one stands at once', async () => {
  const { folder, file, after } = watching();
  await after(() => {
    fs.renameSync(folder, `${folder}-before`);
    make(folder, file);
  });
  expect(await after(() => fs.writeFileSync(file, '2'))).toBe(file);
});

test('what is added after the end is not watched', () => {
  const { watcher, folder } = watching();
  watcher.close();
  vi.mocked(fs.watch).mockClear();
  watcher.add(join(folder, 'later.js'));
  watcher.add('/nonexistent/later.js');
  expect(fs.watch).not.toHaveBeenCalled();
});
