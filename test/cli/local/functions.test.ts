import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import {
  endedText,
  failedText,
  startFunctions,
  type Functions,
  type FunctionsEvent,
} from '../../../cli/local/functions.ts';
import { freePort, portUses } from '../../../cli/local/ports.ts';
import { otherProject, sourceOf, type OtherProject } from '../../support/other-project.ts';

vi.mock('node:fs', { spy: true });

interface Started {
  readonly functions: Functions;
  readonly events: readonly FunctionsEvent[];
  /** The next event of a kind; what came before it is passed over. */
  readonly next: <K extends FunctionsEvent['kind']>(kind: K) => Promise<Extract<FunctionsEvent, { kind: K }>>;
}

async function start(
  { entry }: OtherProject,
  onEvent: (event: FunctionsEvent) => void = () => {},
  isReloading = true,
): Promise<Started> {
  const events: FunctionsEvent[] = [];
  const unread: FunctionsEvent[] = [];
  let arrival = Promise.withResolvers<void>();
  const functions = await startFunctions({
    entry,
    port: await freePort(portUses.functions(0)),
    env: process.env,
    isReloading,
    onEvent(event) {
      events.push(event);
      unread.push(event);
      onEvent(event);
      arrival.resolve();
      arrival = Promise.withResolvers();
    },
  });
  onTestFinished(() => functions.close());
  const next = async (kind: FunctionsEvent['kind']): Promise<FunctionsEvent> => {
    for (;;) {
      const index = unread.findIndex((event) => event.kind === kind);
      const event = unread.splice(0, index + 1).at(-1);
      if (event) return event;
      await arrival.promise;
    }
  };
  return { functions, events, next: next as Started['next'] };
}

async function textAt({ url }: Functions): Promise<string> {
  const response = await fetch(`${url}/hello`);
  return await response.text();
}

test('a save while they start for the first time waits for that start, and its code is what answers', async () => {
  const project = otherProject('');
  project.write(
    `${sourceOf('old')}console.log('loading'); await new Promise((done) => setTimeout(done, 400));`,
  );
  const { functions, events, next } = await start(project, (event) => {
    // What the process tells of the files that it loads is in this same turn of the loop, if it is not before.
    if (event.kind === 'output') setImmediate(() => project.write(sourceOf('new')));
  });
  expect(functions.names).toEqual(['hello']);
  await next('changed');
  await next('ready');
  expect(await textAt(functions)).toBe('new');
  const kinds = events.map(({ kind }) => kind).filter((kind) => kind !== 'output');
  expect(kinds).toEqual(['ready', 'changed', 'ready']);
});

test('the end does not wait for a start that never comes to one', async () => {
  const project = otherProject(sourceOf('old'));
  const { functions, next } = await start(project);
  project.write("console.log('loading'); await new Promise(() => setInterval(() => {}, 1000));");
  await next('output');
  await functions.close();
});

test('functions that die young are started again after a pause that grows, or at once when they change', async () => {
  const project = otherProject(`${sourceOf('')}setTimeout(() => process.exit(1), 50);`);
  const { functions, next } = await start(project);
  const ended = await next('ended');
  expect(ended).toMatchObject({ waitMs: 1_000, code: 1, signal: null });
  expect(endedText(ended)).toMatch(/^The functions have ended by themselves \(status 1\) and .* in 1 s/);
  expect(endedText({ kind: 'ended', waitMs: 0, code: null, signal: 'SIGKILL' })).toBe(
    'The functions have ended by themselves (SIGKILL) and are started again.',
  );
  expect(await next('ended')).toMatchObject({ waitMs: 2_000 });
  project.write(sourceOf('well'));
  await next('changed');
  await next('ready');
  expect(await textAt(functions)).toBe('well');
});

test('functions that do not load any more when they are started again are tried until they do, where nothing is reloaded', async () => {
  const project = otherProject(`${sourceOf('')}setTimeout(() => process.exit(1), 50);`);
  const { functions, next } = await start(project, undefined, false);
  project.write("throw new Error('half a save');");
  const failed = await next('failed');
  expect(failed).toMatchObject({ waitMs: 2_000 });
  expect(failedText(failed)).toMatch(/half a save[^]*\nThey are started again in 2 s\.$/);
  project.write(sourceOf('well'));
  await next('ready');
  expect(await textAt(functions)).toBe('well');
});

test('a folder that is gone is not watched, and one that cannot be watched is told of once, with the mend', async () => {
  const project = otherProject(sourceOf('hello'));
  const { watch } = await vi.importActual<typeof fs>('node:fs');
  let code = 'ENOENT';
  vi.mocked(fs.watch).mockImplementation(((folder: string, ...rest: [never]) => {
    if (folder !== dirname(project.entry)) return watch(folder, ...rest);
    throw Object.assign(new Error(`${code}: no, watch '${folder}'`), { code });
  }) as typeof fs.watch);
  onTestFinished(() => void vi.mocked(fs.watch).mockReset());
  const gone = await start(project);
  await gone.functions.close();
  expect(gone.events.map(({ kind }) => kind)).toEqual(['ready']);
  code = 'ENOSPC';
  const full = await start(project);
  const { error } = await full.next('unwatched');
  expect(error.message).toMatch(/^Changes in .*source, and perhaps elsewhere, are not seen: ENOSPC: no/);
  expect(error.nextStep).toMatch(/start `pageturner dev` again; .*max_user_watches/);
  await full.functions.close();
  expect(full.events.map(({ kind }) => kind)).toEqual(['unwatched', 'ready']);
});
