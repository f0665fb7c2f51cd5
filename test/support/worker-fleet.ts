import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { portOf } from './serve-functions.ts';

interface Worker {
  readonly process: ChildProcess;
  readonly port: number;
}

export interface FleetOptions {
  /** Serves functions on a free port and sends its number to the parent when it is ready. */
  readonly script: URL;
  readonly size: number;
  /** Of a worker, given the URL under which all of them are reached. */
  readonly environment: (url: string) => NodeJS.ProcessEnv;
  /** MiB of heap that a worker has; one that runs out of them is replaced as if it had been killed. */
  readonly heapMebibytes?: number;
}

/** Worker processes behind one URL, as a platform has them: requests go to those that are ready in turn, or wait for one, and a dead one is replaced at once. */
export class WorkerFleet implements AsyncDisposable {
  readonly url: string;
  /** Rejects when a worker ends by itself. */
  readonly broken: Promise<never>;
  /** How many workers have run out of memory. */
  outOfMemory = 0;
  readonly #options: FleetOptions;
  readonly #server: ReturnType<typeof createServer>;
  readonly #children = new Set<ChildProcess>();
  /** Those that nobody is to replace. */
  readonly #retired = new WeakSet<ChildProcess>();
  readonly #break: (error: Error) => void;
  /** The oldest first. */
  #ready: readonly Worker[] = [];
  /** Requests that came while none was ready. */
  readonly #held: (() => void)[] = [];
  #turn = 0;
  #isClosed = false;

  private constructor(options: FleetOptions, server: ReturnType<typeof createServer>) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    this.broken = promise;
    this.#break = reject;
    this.#options = options;
    this.#server = server.on('request', (request, response) => this.#forward(request, response));
    this.url = `http://127.0.0.1:${portOf(server)}`;
  }

  /** Resolves when every worker is ready. */
  static async start(options: FleetOptions): Promise<WorkerFleet> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const fleet = new WorkerFleet(options, server);
    try {
      await Promise.race([
        fleet.broken,
        Promise.all(Array.from({ length: options.size }, () => fleet.add())),
      ]);
    } catch (error) {
      await fleet.close();
      throw error;
    }
    return fleet;
  }

  /** Kills the worker that has been ready for longest, with SIGKILL; false when none is ready. */
  killOldest(): boolean {
    const [oldest, ...others] = this.#ready;
    if (oldest === undefined) return false;
    this.#ready = others;
    return oldest.process.kill('SIGKILL');
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const ends = [...this.#children].map((child) => once(child, 'exit'));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(ends);
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Starts new workers, whose environment is asked for anew, in the place of all that are ready, and ends these once the new ones are. */
  async replace(): Promise<void> {
    const old = this.#ready;
    for (const { process } of old) this.#retired.add(process);
    await Promise.all(old.map(async () => await this.add()));
    this.#ready = this.#ready.filter((worker) => !old.includes(worker));
    const ends = old.map(async ({ process }) => await once(process, 'exit'));
    for (const { process } of old) process.kill('SIGKILL');
    await Promise.all(ends);
  }

  /** Starts one worker more. Resolves when it is ready. */
  async add(): Promise<void> {
    const { script, environment, heapMebibytes: heap } = this.#options;
    const child = fork(script, {
      env: environment(this.url),
      // Not those of the test runner.
      execArgv: heap === undefined ? [] : [`--max-old-space-size=${heap}`],
      // Node tells at length that it is out of memory.
      stdio: ['ignore', 'ignore', heap === undefined ? 'inherit' : 'ignore', 'ipc'],
    });
    this.#children.add(child);
    child.once('exit', (code, signal) => {
      this.#children.delete(child);
      this.#ready = this.#ready.filter(({ process }) => process !== child);
      if (this.#isClosed || this.#retired.has(child)) return;
      const isOutOfMemory = heap !== undefined && signal === 'SIGABRT';
      if (isOutOfMemory) this.outOfMemory += 1;
      if (signal === 'SIGKILL' || isOutOfMemory) void this.add();
      else this.#break(new Error(`a worker ended by itself with ${code ?? signal}`));
    });
    await new Promise<void>((resolve) => {
      child.once('message', (port: number) => {
        this.#ready = [...this.#ready, { process: child, port }];
        for (const forward of this.#held.splice(0)) forward();
        resolve();
      });
    });
  }

  #forward(request: IncomingMessage, response: ServerResponse): void {
    this.#turn += 1;
    const worker = this.#ready[this.#turn % this.#ready.length];
    if (worker === undefined) {
      this.#held.push(() => this.#forward(request, response));
      return;
    }
    const { method, url, headers } = request;
    const giveUp = (): void => void response.destroy();
    const outgoing = httpRequest({ host: '127.0.0.1', port: worker.port, path: url, method, headers });
    outgoing.on('error', giveUp).on('response', (incoming) => {
      response.writeHead(incoming.statusCode ?? 502, incoming.headers);
      incoming.on('error', giveUp).pipe(response);
    });
    request.pipe(outgoing);
  }
}
