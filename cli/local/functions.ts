import { EventEmitter } from 'node:events';
import type { CliError } from '../error.ts';
import { FileWatcher } from './file-watcher.ts';
import {
  startFunctionsProcess,
  type FunctionsProcess,
  type FunctionsProcessEvents,
} from './functions-process.ts';

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
  /** They do not load. When reloading, the next change starts them again. */
  | { readonly kind: 'failed'; readonly error: CliError }
  /** Their process ended by itself, and is started again. */
  | { readonly kind: 'ended' };

/** All functions of an entry module, each served at `url`/NAME, for as long as it is not closed. */
export interface Functions extends AsyncDisposable {
  readonly url: string;
  /** The names under which functions are served; empty while they do not load. */
  readonly names: readonly string[];
  close(): Promise<void>;
}

/**
 * Starts the functions, and keeps them running: a process that ends by itself is started again, as the cloud does.
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
 *     starting ── it listens ──▶ running ── it ends ──▶ starting
 *        │                          └───── a change ──▶ starting
 *        └── it ends before ──▶ failed ─── a change ──▶ starting
 */
class FunctionsSupervisor implements Functions {
  readonly #options: FunctionsOptions;
  readonly #watcher: FileWatcher | undefined;
  readonly #events = new EventEmitter<FunctionsProcessEvents>();
  #current: FunctionsProcess | undefined;
  #work: Promise<void> = Promise.resolve();
  #isClosing = false;

  constructor(options: FunctionsOptions) {
    this.#options = options;
    this.#events.on('output', (line, stream) => options.onEvent?.({ kind: 'output', line, stream }));
    if (!options.isReloading) return;
    this.#watcher = new FileWatcher((file) => this.#reload(file));
    this.#events.on('loads', (file) => this.#watcher?.add(file));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#options.port}`;
  }

  get names(): readonly string[] {
    return this.#current?.names ?? [];
  }

  async start(): Promise<void> {
    const error = await this.#start();
    if (error && (!this.#options.isReloading || this.#options.signal?.aborted)) throw error;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
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

  #reload(file: string): void {
    void this.#next(async () => {
      if (this.#isClosing) return;
      this.#options.onEvent?.({ kind: 'changed', file });
      const before = this.#current;
      this.#current = undefined;
      await before?.close();
      await this.#start();
    });
  }

  async #start(): Promise<CliError | undefined> {
    const { onEvent, isReloading: _, ...rest } = this.#options;
    const startedAt = performance.now();
    try {
      const started = await startFunctionsProcess({ ...rest, events: this.#events });
      this.#current = started;
      void started.exited.then(() => this.#ended(started));
      onEvent?.({ kind: 'ready', names: started.names, tookMs: performance.now() - startedAt });
    } catch (error) {
      if (this.#options.signal?.aborted) return error as CliError;
      onEvent?.({ kind: 'failed', error: error as CliError });
      if (this.#watcher) this.#watcher.isCurious = true;
      return error as CliError;
    }
    if (this.#watcher) this.#watcher.isCurious = false;
    return undefined;
  }

  #ended(process: FunctionsProcess): void {
    if (this.#isClosing || this.#current !== process) return;
    this.#current = undefined;
    this.#options.onEvent?.({ kind: 'ended' });
    void this.#next(async () => {
      if (!this.#isClosing && !this.#current) await this.#start();
    });
  }
}
