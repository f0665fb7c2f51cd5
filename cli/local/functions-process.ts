import type { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';
import { CliError } from '../error.ts';
import { orAborted } from '../interrupt.ts';
import { startGuarded, type ExitStatus, type GuardedProcess } from './guard.ts';
import { modulePath } from './module-path.ts';

/** What one process of the functions tells about itself. */
export interface FunctionsProcessEvents {
  /** A file of the project is about to be loaded. */
  loads: [file: string];
  /** A line of output. */
  output: [line: string, stream: 'stdout' | 'stderr'];
}

export interface FunctionsProcess extends AsyncDisposable {
  /** The names under which functions are served. */
  readonly names: readonly string[];
  /** Settles when the process has ended. */
  readonly exited: Promise<ExitStatus>;
  close(): Promise<void>;
}

export interface FunctionsProcessOptions {
  /** The module that registers the functions. */
  readonly entry: string;
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
  readonly events: EventEmitter<FunctionsProcessEvents>;
  /** Gives the start up. */
  readonly signal?: AbortSignal | undefined;
}

type Word = { readonly loads: string } | { readonly listening: number; readonly names: readonly string[] };

/**
 * Starts the functions in a process of their own, and resolves when they answer.
 *
 * @throws CliError `functions-failed` with what the process said, when it ends before it answers; `signal.reason` when it is aborted
 */
export async function startFunctionsProcess(options: FunctionsProcessOptions): Promise<FunctionsProcess> {
  const { entry, port, env, events, signal } = options;
  signal?.throwIfAborted();
  const ready = Promise.withResolvers<readonly string[]>();
  const guarded = await startGuarded({
    command: process.execPath,
    args: [modulePath(import.meta.url, './functions-server'), entry, String(port)],
    env,
    graceMs: 2_000,
    onReport(line) {
      const word = JSON.parse(line) as Word;
      if ('loads' in word) events.emit('loads', word.loads);
      else ready.resolve(word.names);
    },
  });
  const said = readOutput(guarded, events);
  void guarded.exited.then(async () => ready.reject(await failure(entry, said)));
  const names = await (signal ? orAborted(ready.promise, signal) : ready.promise).catch(async (error) => {
    await guarded.close();
    throw error;
  });
  return {
    names,
    exited: guarded.exited,
    close: () => guarded.close(),
    [Symbol.asyncDispose]: () => guarded.close(),
  };
}

interface Said {
  lines: string[];
  ended: Promise<unknown>;
}

/** Hands the output on line by line, and keeps the first lines of the error output to explain a failure. */
function readOutput(guarded: GuardedProcess, events: EventEmitter<FunctionsProcessEvents>): Said {
  const lines: string[] = [];
  const ended: Promise<unknown>[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    const input = guarded[stream];
    if (!input) continue;
    const reader = createInterface({ input });
    ended.push(new Promise((resolve) => reader.on('close', resolve)));
    reader.on('line', (line) => {
      if (stream === 'stderr' && lines.length < 20) lines.push(line);
      events.emit('output', line, stream);
    });
  }
  return { lines, ended: Promise.all(ended) };
}

async function failure(entry: string, said: Said): Promise<CliError> {
  await said.ended;
  const reason =
    said.lines.find((line) => /^\S*Error\b/.test(line)) ??
    (said.lines.some((line) => line.includes('unsettled top-level await'))
      ? 'they wait for something that never comes, by an await at the top level'
      : said.lines.findLast((line) => line.trim() !== '')) ??
    'they end by themselves and say nothing';
  // Node names the place in the first lines of what it prints, before the code itself.
  const place = said.lines.map((line) => /^(?:file:\/\/)?(\/.+:\d+)$/.exec(line)?.[1]).find(Boolean);
  return new CliError(
    'functions-failed',
    `The functions of ${entry} do not load: ${reason}${place ? ` (${place})` : ''}.`,
    'Mend the file; PAGETURNER_DEBUG=1 shows all that was said.',
    { cause: new Error(said.lines.join('\n')) },
  );
}
