import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CloudTasksClient } from '@google-cloud/tasks';
import { credentials } from '@grpc/grpc-js';
import { Agent, request } from 'undici';

const QUEUES = 8;
const CREATORS = 64;
/** Names that no earlier run against the same emulator has used. */
const RUN = Date.now().toString(36);
const project = 'projects/bench/locations/us-central1';

/** What one emulator did under one load. */
export interface Score {
  readonly createsPerSecond: number;
  readonly dispatchesPerSecond: number;
  /** From the call that creates a task to its arrival at the target, when nothing else is going on. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A target that tells of each arrival, by the task's id. */
export class Target implements AsyncDisposable {
  readonly #server = createServer((incoming, outgoing) => {
    incoming.resume();
    outgoing.end();
    this.arrived(String(incoming.headers['x-cloudtasks-taskname']));
  });
  arrived: (taskId: string) => void = () => {};

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/**
 * Puts an emulator under load: through the calls that firebase-admin makes, which all contenders take, or over gRPC, where the kind says so,
 * through Google's client.
 */
export class Load implements AsyncDisposable {
  readonly #url: string;
  readonly #client: CloudTasksClient | undefined;
  readonly #targetUrl: string;
  readonly #target: Target;
  readonly #agent = new Agent({ connections: CREATORS });
  #created = 0;

  constructor(kind: string, url: string, target: Target, targetUrl: string) {
    this.#url = url;
    this.#client = kind === 'gRPC' ? newClient(url) : undefined;
    this.#target = target;
    this.#targetUrl = targetUrl;
  }

  /** Makes the queues, where they are not there, each at the highest rate that the service allows. */
  async makeQueues(kind: string): Promise<void> {
    const rateLimits = { maxDispatchesPerSecond: 500, maxConcurrentDispatches: 1000 };
    for (let queue = 0; queue < QUEUES; queue += 1) {
      const name = `${project}/queues/q${queue}`;
      await this.#send(kind === 'firebase-tools' ? 'POST' : 'PATCH', `/${name}`, { rateLimits });
    }
  }

  /** Creates so many tasks, and sees each of them arrive. */
  async throughput(count: number): Promise<Pick<Score, 'createsPerSecond' | 'dispatchesPerSecond'>> {
    const { promise: allArrived, resolve, reject } = Promise.withResolvers<void>();
    const arrivals = new Set<string>();
    this.#target.arrived = (taskId) => {
      if (arrivals.has(taskId)) reject(new Error(`Task ${taskId} arrived twice.`));
      arrivals.add(taskId);
      if (arrivals.size === count) resolve();
    };
    const startedAt = performance.now();
    let left = count;
    const creators = Array.from({ length: CREATORS }, async () => {
      while (left > 0) {
        left -= 1;
        await this.#create();
      }
    });
    await Promise.all(creators);
    const createdAt = performance.now();
    await allArrived;
    const perSecond = (until: number): number => (count * 1000) / (until - startedAt);
    return { createsPerSecond: perSecond(createdAt), dispatchesPerSecond: perSecond(performance.now()) };
  }

  async latency(count: number): Promise<Pick<Score, 'p50Ms' | 'p99Ms'>> {
    const times: number[] = [];
    for (let n = 0; n < count; n += 1) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#target.arrived = () => resolve();
      const startedAt = performance.now();
      await Promise.all([this.#create(), promise]);
      times.push(performance.now() - startedAt);
    }
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
    return { p50Ms: at(0.5), p99Ms: at(0.99) };
  }

  async #create(): Promise<void> {
    this.#created += 1;
    const queue = `${project}/queues/q${this.#created % QUEUES}`;
    const task = {
      name: `${queue}/tasks/${RUN}-${this.#created}`,
      httpRequest: { url: this.#targetUrl, httpMethod: 'POST' as const, body: 'e30=', headers: {} },
    };
    if (this.#client) await this.#client.createTask({ parent: queue, task });
    else await this.#send('POST', `/${queue}/tasks`, { task });
  }

  async #send(method: 'POST' | 'PATCH', path: string, body: object): Promise<void> {
    const response = await request(this.#url + path, {
      dispatcher: this.#agent,
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.body.text();
    if (response.statusCode !== 200) throw new Error(`${path} answers ${response.statusCode}: ${text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.close();
    await this.#agent.destroy();
  }
}

function newClient(url: string): CloudTasksClient {
  return new CloudTasksClient({
    apiEndpoint: '127.0.0.1',
    projectId: 'bench',
    port: Number(new URL(url).port),
    sslCreds: credentials.createInsecure(),
  });
}
