import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { followConfig, type ConfigEvent } from '../../../cli/local/follow-config.ts';
import { loadConfig } from '../../../config/load.ts';
import { startEmulator } from '../../../emulator/index.ts';
import type { Emulator } from '../../../emulator/index.ts';
import { configFile, temporaryFolder } from '../../support/config-file.ts';

interface Following {
  readonly emulator: Emulator;
  readonly folder: string;
  readonly write: (changes: object) => void;
  /** Makes a change, and gives what comes of it. */
  readonly after: (change: () => void) => Promise<ConfigEvent>;
  readonly ids: () => string[];
}

async function follow(changes: object, files: Readonly<Record<string, string>> = {}): Promise<Following> {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const write = (more: object): void => void configFile({ project: 'p', ...more }, folder);
  write(changes);
  const file = join(folder, 'emulator.config.json');
  const config = await loadConfig(file);
  const emulator = await startEmulator({ queues: config.queues });
  onTestFinished(() => emulator.close());
  let told = Promise.withResolvers<ConfigEvent>();
  const following = followConfig({
    emulator,
    config,
    file,
    load: () => loadConfig(file),
    onEvent: (event) => told.resolve(event),
  });
  onTestFinished(() => following[Symbol.dispose]());
  const after = async (change: () => void): Promise<ConfigEvent> => {
    told = Promise.withResolvers<ConfigEvent>();
    change();
    return await told.promise;
  };
  const ids = (): string[] => emulator.snapshot().queues.map(({ name }) => name.split('/').at(-1) ?? '');
  return { emulator, folder, write, after, ids };
}

test('a configuration that is written anew is taken over, and says what waits for the next start', async () => {
  const { write, after, ids } = await follow({ queues: [{ name: 'a' }] });
  const event = await after(() => write({ queues: [{ name: 'a' }, { name: 'b' }], profile: 'strict' }));
  expect(event).toEqual({
    kind: 'reloaded',
    created: ['b'],
    updated: [],
    left: [],
    atNextStart: ['profile'],
  });
  expect(ids()).toEqual(['a', 'b']);
});

test('a file that an editor puts in the place of the old one is seen', async () => {
  const { folder, after, ids } = await follow({ queues: [{ name: 'a' }] });
  const event = await after(() => {
    const draft = join(folder, '.draft');
    writeFileSync(draft, JSON.stringify({ project: 'p', queues: [{ name: 'c' }] }));
    renameSync(draft, join(folder, 'emulator.config.json'));
  });
  expect(event).toMatchObject({ kind: 'reloaded', created: ['c'], left: ['a'] });
  expect(ids()).toEqual(['a', 'c']);
});

test('a file with queues is followed too, also one that was named later', async () => {
  const { folder, write, after, ids } = await follow({ queues: [] }, { 'q.yaml': 'queues: [{ name: a }]' });
  await after(() => write({ queues: [], queueFiles: ['q.yaml'] }));
  expect(ids()).toEqual(['a']);
  await after(() => writeFileSync(join(folder, 'q.yaml'), 'queues: [{ name: a }, { name: b }]'));
  expect(ids()).toEqual(['a', 'b']);
});

test('a wrong or missing file is named and changes nothing, and the next good one is taken over', async () => {
  const { folder, write, after, ids, emulator } = await follow({ queues: [{ name: 'a' }] });
  const before = emulator.snapshot().queues;
  const file = join(folder, 'emulator.config.json');
  expect(await after(() => writeFileSync(file, '{"queues": ['))).toMatchObject({
    kind: 'refused',
    message: expect.stringMatching(/emulator\.config\.json cannot be used:\n {2}line 1, column 13/) as string,
  });
  expect(await after(() => write({ queues: [{ name: 'b' }], rewrite: { a: 'http://b' } }))).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('rewrite has "a" to "http://b"') as string,
  });
  expect(await after(() => rmSync(file))).toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('there is no such file') as string,
  });
  expect(emulator.snapshot().queues).toEqual(before);
  await after(() => write({ queues: [{ name: 'c' }] }));
  expect(ids()).toEqual(['a', 'c']);
});

test('what is read when it is over already changes nothing, and is not told', async () => {
  const file = configFile({ queues: [{ name: 'a' }] });
  const config = await loadConfig(file);
  const begun = Promise.withResolvers<void>();
  const read = Promise.withResolvers<typeof config>();
  const calls: string[] = [];
  const reconfigure = (): never => {
    calls.push('reconfigure');
    throw new Error('closed');
  };
  const following = followConfig({
    emulator: { reconfigure },
    config,
    file,
    async load() {
      begun.resolve();
      return await read.promise;
    },
    onEvent: ({ kind }) => calls.push(kind),
  });
  configFile({ queues: [{ name: 'b' }] }, dirname(file));
  await begun.promise;
  following[Symbol.dispose]();
  read.resolve(config);
  // What follows the reading has been done by then.
  await new Promise((done) => setImmediate(done));
  expect(calls).toEqual([]);
});
