import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { CliError } from '../../cli/error.ts';
import { newProgram } from '../../cli/program.ts';
import { startEmulator, type Emulator } from '../../emulator/index.ts';
import { cancelRun, pauseRun } from '../../lib/index.ts';
import { failed } from '../../lib/core/control.ts';
import type { RunState } from '../../lib/core/run-state.ts';
import { startRun } from '../../lib/start-run.ts';
import { runCli } from '../support/cli.ts';
import { configFile } from '../support/config-file.ts';
import { testFirestore } from '../support/firestore.ts';
import { takeLast } from '../support/runs.ts';
import { testPorts, type TestPorts } from '../support/test-runtime.ts';
import { walk } from '../support/walk.ts';

const project = `test-${randomUUID().slice(0, 18)}`;
let config: string;
let ports: TestPorts;
let emulator: Emulator;

beforeEach(() => {
  config = configFile({ project });
  ports = testPorts(testFirestore(project));
});

beforeAll(async () => {
  const queues = [{ name: 'iterate' }];
  emulator = await startEmulator({ port: 0, project, location: 'us-central1', queues });
  vi.stubEnv('CLOUD_TASKS_EMULATOR_HOST', `${emulator.host}:${emulator.port}`);
  vi.stubEnv('PAGETURNER_FUNCTIONS_URL', 'http://127.0.0.1:9');
});
afterAll(() => emulator.close());

/** A run that has come to a state as runs do. */
async function reach(state: RunState, run: string): Promise<void> {
  await startRun(walk, { run, queue: 'iterate', params: {}, startedBy: 'test' }, ports);
  if (state === 'starting') return;
  await takeLast(walk, ports);
  const by = { by: 'test' };
  switch (state) {
    case 'running':
      return;
    case 'pausing':
    case 'paused':
      return await pauseRun(run, { ...by, force: state === 'paused' }, ports);
    case 'canceling':
    case 'canceled':
      return await cancelRun(run, { ...by, force: state === 'canceled' }, ports);
    case 'failed':
      await ports.store.changeRun(run, (now) => failed(now, { message: 'poison', at: 1 }, { at: 1, ...by }));
      return;
    case 'completing':
    case 'completed':
      while ((await takeLast(walk, ports)) !== (state === 'completing' ? 'walked' : 'completed'));
  }
}

interface Said {
  readonly out: string;
  readonly error?: unknown;
}

/** What a command prints, and what it throws. */
async function pageturner(...args: readonly string[]): Promise<Said> {
  const said: string[] = [];
  using _ = vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  try {
    const program = await newProgram(args[0]);
    await program.parseAsync(['node', 'pageturner', ...args, '--config', config]);
    return { out: said.join('') };
  } catch (error) {
    return { out: said.join(''), error };
  }
}

const commands = [
  ['pause'],
  ['pause', '--force'],
  ['resume'],
  ['cancel'],
  ['cancel', '--force'],
  ['retry'],
  ['stop-repeating'],
  ['throttle', '5'],
] as const;

test.each<[RunState, string]>([
  ['starting', 'paused paused starting canceled canceled starting starting starting'],
  ['running', 'pausing paused running canceling canceled running running running'],
  ['pausing', 'pausing paused running canceling canceled refused pausing pausing'],
  ['paused', 'paused paused running canceled canceled refused paused paused'],
  ['completing', 'pausing paused completing canceling canceled completing completing completing'],
  ['canceling', 'refused refused refused canceling canceled refused canceling refused'],
  ['canceled', 'refused refused refused canceled canceled refused canceled refused'],
  ['completed', 'refused refused refused refused refused refused completed refused'],
  ['failed', 'refused refused refused refused refused running failed failed'],
])('each command on a run that is %s says what the run is then, or why not', async (state, expected) => {
  const ends: string[] = [];
  for (const [command, ...options] of commands) {
    const id = `${state}-${[command, ...options].join('')}`;
    await reach(state, id);
    const { out, error } = await pageturner('runs', command, id, ...options, '--json');
    if (error === undefined) {
      ends.push((JSON.parse(out) as { state: string }).state);
      continue;
    }
    expect(out).toBe('');
    expect(error).toBeInstanceOf(CliError);
    expect(error).toMatchObject({
      code: 'refused',
      message: expect.stringMatching(
        new RegExp(`^Run ${id} is ${state}(;| and has set no document aside:) `),
      ),
      nextStep: `See it with: pageturner runs show ${id}`,
    });
    ends.push('refused');
  }
  expect(ends.join(' ')).toBe(expected);
  const id = `${state}-pause`;
  expect((await pageturner('runs', 'show', id)).out).toMatch(new RegExp(`^run +${id}\n`));
  const { out } = await pageturner('runs', 'show', id, '--json');
  expect(JSON.parse(out)).toMatchObject({ id, task: 'walk' });
});

test('of opposite commands from two terminals at once each is told what it came to, and the run is as the last one asked', async () => {
  await reach('running', 'both');
  const options = {
    env: { CLOUD_TASKS_EMULATOR_HOST: process.env['CLOUD_TASKS_EMULATOR_HOST'] },
  };
  const run = (...args: string[]) => runCli(['runs', ...args, '--config', config], options);
  const both = await Promise.all([run('pause', 'both'), run('resume', 'both')]);
  expect(both).toMatchObject([
    { status: 0, stderr: '' },
    { status: 0, stderr: '' },
  ]);
  const now = (await ports.store.getRun('both'))?.run;
  expect(now?.state).toBe(now?.history.at(-1)?.state);

  const [canceled, resumed] = await Promise.all([run('cancel', 'both'), run('resume', 'both')]);
  expect(canceled).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/is cancel(ing|ed)/),
    stderr: '',
  });
  expect(resumed.status === 0 ? resumed.stdout : resumed.stderr).toMatch(
    /^Run both of walk is (running|cancel\w+)\.|^pageturner: Run both is cancel\w+; resume takes/,
  );
  expect((await ports.store.getRun('both'))?.run.state).toMatch(/^cancel/);
});
