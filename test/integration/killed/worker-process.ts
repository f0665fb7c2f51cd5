/**
 * A worker process that kills itself with SIGKILL before each thing that it is about to write, enqueue or answer, once for each: where it
 * was, is kept in the file KILLED_AT, for those that follow it. It serves on a free port, whose number it sends to its parent.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import type { HttpFunction } from '@google-cloud/functions-framework';
import { FirestoreRunStore } from '../../../lib/firestore/run-store.ts';
import { worker } from '../../../lib/index.ts';
import type { RunStore } from '../../../lib/ports.ts';
import { createRuntime, type Runtime } from '../../../lib/runtime.ts';
import { changed } from '../../support/changed.ts';
import { portOf, serveFunctions } from '../../support/serve-functions.ts';
import { tasks } from './tasks.ts';

const killedAt = process.env['KILLED_AT'] ?? '';
const real = createRuntime(process.env);

/** When the delivery at work was due: the queue's clock may be ahead of this machine's. */
let dueAt = 0;
/** The delivery at work: the queue gives this process one at a time. */
let delivery = '';

/** Pages and starts are killed in `test/integration/crash`. */
function isProvenElsewhere(point: string): boolean {
  return /^(tell task|walk turn|walk finish|failing start|failing prepare):/.test(point);
}

/** Dies, unless a process before this one has died before the same step of such a delivery. */
function before(step: string): void {
  const point = `${delivery}: ${step}`;
  if (isProvenElsewhere(point) || readFileSync(killedAt, 'utf8').split('\n').includes(point)) return;
  appendFileSync(killedAt, `${point}\n`);
  process.kill(process.pid, 'SIGKILL');
}

class DyingStore extends FirestoreRunStore {
  override async changeRun(...given: Parameters<RunStore['changeRun']>): ReturnType<RunStore['changeRun']> {
    const [run, change] = given;
    // Looked at beforehand: the emulator holds the locks of a transaction that died half-way for a minute.
    const found = await this.getRun(run);
    const next = found === undefined ? undefined : change(found);
    if (next !== undefined) before(next.run === undefined ? 'shards' : `run ${next.run.state}`);
    return await super.changeRun(...given);
  }

  override async createRun(...given: Parameters<RunStore['createRun']>): ReturnType<RunStore['createRun']> {
    before('create');
    return await super.createRun(...given);
  }

  override async commitTurn(
    ...given: Parameters<RunStore['commitTurn']>
  ): ReturnType<RunStore['commitTurn']> {
    before('page');
    return await super.commitTurn(...given);
  }

  override async endChild(...given: Parameters<RunStore['endChild']>): Promise<void> {
    before('endChild');
    await super.endChild(...given);
  }

  override async moveChild(...given: Parameters<RunStore['moveChild']>): Promise<void> {
    before('moveChild');
    await super.moveChild(...given);
  }
}

const queue: Runtime['ports']['queue'] = {
  async enqueue(task) {
    before(`enqueue ${task.worker} ${task.delivery.kind}`);
    return await real.ports.queue.enqueue(task);
  },
  has: async (task) => await real.ports.queue.has(task),
};

const runtime: Runtime = {
  ...real,
  ports: {
    ...real.ports,
    store: new DyingStore(real.ports.store.db),
    queue,
    clock: changed(real.ports.clock, { now: () => Math.max(Date.now(), dueAt) }),
  },
};

function dying(name: string, handler: HttpFunction): HttpFunction {
  return (request, response) => {
    delivery = `${name} ${(request.body as { kind: string }).kind}`;
    dueAt = Number(request.get('X-CloudTasks-TaskETA')) * 1000;
    const answer = response.json.bind(response);
    response.json = (body) => {
      before('answer');
      return answer(body);
    };
    return handler(request, response);
  };
}

const functions = tasks.map((task) => [
  task.name,
  dying(
    task.name,
    worker(task, () => runtime),
  ),
]);
// Loads both clients and has them connect.
await Promise.all([real.ports.store.getRun('none'), real.retries.retryLimits('all')]);
const server = await serveFunctions(Object.fromEntries(functions) as Record<string, HttpFunction>);
// Node keeps what it has compiled when a process ends by itself; this one will be killed.
flushCompileCache();
process.send?.(portOf(server));
