import { EventEmitter } from 'node:events';
import { dirname } from 'node:path';
import { CliError } from '../error.ts';
import { FileWatcher } from './file-watcher.ts';
import {
  startFunctionsProcess,
  type FunctionsProcess,
  type FunctionsProcessEvents,
} from './functions-process.ts';
import type { ExitStatus } from './guard.ts';

export interface FunctionsOptions {
  /** Path of the module that registers the functions. */
  readonly entry: string;
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** The whole environment of the functions. */
  readonly env: NodeJS.ProcessEnv;
  /** Whether they start anew when a file that they loaded changes. */
  readonly isReloading: boolean;
  readonly onEvent?: (event: FunctionsEvent) => void;
  /** Gives up whatever start is going on. */
  readonly signal?: AbortSignal;
}

export type FunctionsEvent =
  | { readonly kind: 'output'; readonly line: string; readonly stream: 'stdout' | 'stderr' }
  /** They answer: for the first time, or again. */
  | { readonly kind: 'ready'; readonly names: readonly string[]; readonly tookMs: number }
  | { readonly kind: 'changed'; readonly file: string }
  /** They do not load. They are started again by the next change when reloading, and after the pause otherwise. */
  | { readonly kind: 'failed'; readonly error: CliError; readonly waitMs?: number }
  /** Their process ended by itself, and is started again. */
  | ({ readonly kind: 'ended'; readonly waitMs: number } & ExitStatus)
  /** A folder of theirs cannot be watched. Told once. */
  | { readonly kind: 'unwatched'; readonly error: CliError };

/** Functions that die sooner than this may well do so over and over. */
const shortLifeMs = 5_000;
const pause = { firstMs: 1_000, mostMs: 30_000 };

/** All functions of an entry module, each served at `url`/NAME, for as long as it is not closed. */
export interface Functions extends AsyncDisposable {
  readonly url: string;
  /** The names under which functions are served; empty while they do not load. */
  readonly names: readonly string[];
  close(): Promise<void>;
}

/**
 * Starts the functions, and keeps them running: a process that ends by itself is started again, as the cloud does; after a pause, where it
 * has not lived long. What has loaded once is started again also where it does not load any more.
 *
 * @throws CliError `functions-failed` when they do not load and are not reloading; `signal.reason` when it is aborted
 */
export async function startFunctions(options: FunctionsOptions): Promise<Functions> {
  const supervisor = new FunctionsSupervisor(options);
  await supervisor.start();
  return supervisor;
}

/**
 * Holds at most one process. Every start and stop waits in one line (`#work`), so that none overtakes another.
 *
 *     starting ── it listens ──▶ running ── it ends ──▶ waiting ── time, a change ──▶ starting
 *        │                          └───── a change ──▶ starting
 *        └── it ends before ──▶ failed ─── a change; without reloading, time ──▶ starting
 */
class FunctionsSupervisor implements Functions {
  readonly #options: FunctionsOptions;
  readonly #watcher: FileWatcher | undefined;
  readonly #events = new EventEmitter<FunctionsProcessEvents>();
  #current: FunctionsProcess | undefined;
  /** Those of the last start; they stay while the next one goes on. */
  #names: readonly string[] = [];
  #work: Promise<void> = Promise.resolve();
  readonly #closing = new AbortController();
  /** Gives up whatever start is going on. */
  readonly #signal: AbortSignal;
  /** The pause before the latest start that no change asked for. */
  #waitMs = 0;
  #waiting: NodeJS.Timeout | undefined;
  #isUnwatchedTold = false;

  constructor(options: FunctionsOptions) {
    this.#options = options;
    const closing = this.#closing.signal;
    this.#signal = options.signal ? AbortSignal.any([options.signal, closing]) : closing;
    this.#events.on('output', (line, stream) => options.onEvent?.({ kind: 'output', line, stream }));
    if (!options.isReloading) return;
    this.#watcher = new FileWatcher((file) => this.#reload(file));
    this.#events.on('loads', (file) => this.#watch(file));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#options.port}`;
  }

  get #isClosing(): boolean {
    return this.#closing.signal.aborted;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  async start(): Promise<void> {
    let error: CliError | undefined;
    await this.#next(async () => {
      error = await this.#start();
      if (error && this.#options.isReloading) this.#failed(error);
    });
    if (error && (!this.#options.isReloading || this.#signal.aborted)) throw error;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#waiting);
    this.#watcher?.close();
    await this.#next(async () => await this.#current?.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #next(step: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(step);
    return this.#work;
  }

  #watch(file: string): void {
    try {
      this.#watcher?.add(file);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // A module that was written, loaded and deleted at once has nothing to be watched.
      if (code === 'ENOENT' || this.#isUnwatchedTold) return;
      this.#isUnwatchedTold = true;
      this.#options.onEvent?.({ kind: 'unwatched', error: unwatched(dirname(file), message, error) });
    }
  }

  #reload(file: string): void {
    clearTimeout(this.#waiting);
    this.#waitMs = 0;
    void this.#next(async () => {
      if (this.#isClosing) return;
      this.#options.onEvent?.({ kind: 'changed', file });
      const before = this.#current;
      this.#current = undefined;
      await before?.close();
      const error = await this.#start();
      if (error) this.#failed(error);
    });
  }

  async #start(): Promise<CliError | undefined> {
    const { onEvent, isReloading: _, ...rest } = this.#options;
    const signal = this.#signal;
    const startedAt = performance.now();
    try {
      const started = await startFunctionsProcess({ ...rest, signal, events: this.#events });
      this.#current = started;
      this.#names = started.names;
      const readyAt = performance.now();
      void started.exited.then((status) => this.#ended(started, status, performance.now() - readyAt));
      onEvent?.({ kind: 'ready', names: started.names, tookMs: readyAt - startedAt });
    } catch (error) {
      this.#names = [];
      return error as CliError;
    }
    if (this.#watcher) this.#watcher.isCurious = false;
    return undefined;
  }

  #failed(error: CliError): void {
    const { onEvent } = this.#options;
    if (this.#signal.aborted) return;
    if (this.#watcher) {
      onEvent?.({ kind: 'failed', error });
      this.#watcher.isCurious = true;
      return;
    }
    this.#waitMs = this.#longerWait();
    onEvent?.({ kind: 'failed', error, waitMs: this.#waitMs });
    this.#waiting = setTimeout(() => this.#again(), this.#waitMs);
  }

  #longerWait(): number {
    return Math.min(Math.max(pause.firstMs, this.#waitMs * 2), pause.mostMs);
  }

  #ended(process: FunctionsProcess, status: ExitStatus, livedMs: number): void {
    if (this.#isClosing || this.#current !== process) return;
    this.#current = undefined;
    this.#waitMs = livedMs < shortLifeMs ? this.#longerWait() : 0;
    this.#options.onEvent?.({ kind: 'ended', waitMs: this.#waitMs, ...status });
    // Outside of the line, so that a change need not wait.
    this.#waiting = setTimeout(() => this.#again(), this.#waitMs);
  }

  #again(): void {
    void this.#next(async () => {
      if (this.#isClosing || this.#current) return;
      const error = await this.#start();
      if (error) this.#failed(error);
    });
  }
}

/** What the event `ended` says to people. */
export function endedText({ waitMs, code, signal }: Extract<FunctionsEvent, { kind: 'ended' }>): string {
  const when = waitMs === 0 ? '' : `, in ${waitMs / 1000} s, as they did not live long`;
  return `The functions have ended by themselves (${signal ?? `status ${code}`}) and are started again${when}.`;
}

function unwatched(folder: string, reason: string, cause: unknown): CliError {
  return new CliError(
    'failed',
    `Changes in ${folder}, and perhaps elsewhere, are not seen: ${reason}.`,
    'After such a change start `pageturner dev` again; or let the system watch more: on Linux fs.inotify.max_user_watches and ' +
      'fs.inotify.max_user_instances, and `ulimit -n`.',
    { cause },
  );
}

/** What the event `failed` says to people. */
export function failedText({ error, waitMs }: Extract<FunctionsEvent, { kind: 'failed' }>): string {
  const when =
    waitMs === undefined
      ? 'The next change starts them again.'
      : `They are started again in ${waitMs / 1000} s.`;
  return `${error.message}\n${when}`;
}
