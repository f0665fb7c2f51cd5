/**
 * A worker process that dies of SIGKILL at one step of a start, of one turn or of a completion. The parent starts it again without CRASH_AT, as the platform would.
 * It loads at once, and serves when the parent sends it the port: so the one that follows can be ready when the one before dies.
 * Usage: node worker-process.ts, with the settings of lib in the environment, and CRASH_AT, CRASH_TURN.
 */
import { once } from 'node:events';
import { flushCompileCache } from 'node:module';
import { worker } from '../../../lib/index.ts';
import { FirestoreRunStore } from '../../../lib/firestore/run-store.ts';
import type { CommitResult } from '../../../lib/ports.ts';
import { createRuntime, type Runtime } from '../../../lib/runtime.ts';
import { serveFunctions } from '../../support/serve-functions.ts';
import { child, launch, walk } from './tasks.ts';

const real = createRuntime(process.env);
const crashAt = process.env['CRASH_AT'];
const crashTurn = Number(process.env['CRASH_TURN']);
let isCrashingTurn = false;

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
}

class DyingStore extends FirestoreRunStore {
  override async createRun(
    ...given: Parameters<FirestoreRunStore['createRun']>
  ): ReturnType<FirestoreRunStore['createRun']> {
    if (crashAt === 'before the run is written') die();
    const result = await super.createRun(...given);
    if (crashAt === 'after the run is written, before its preparation is enqueued') die();
    return result;
  }

  override async changeRun(
    ...[run, change, writes]: Parameters<FirestoreRunStore['changeRun']>
  ): ReturnType<FirestoreRunStore['changeRun']> {
    const changing: typeof change = (records) => {
      const changed = change(records);
      const state = changed?.run?.state;
      if (crashAt === 'between the reads of the preparation and its commit' && state === 'running') die();
      if (crashAt === "between the reads of the last shard's word and its commit" && state === 'completing')
        die();
      if (crashAt === 'between the reads of the completion and its commit' && state === 'completed') die();
      return changed;
    };
    const result = await super.changeRun(run, changing, writes);
    const state = result?.run?.state;
    if (
      state === 'completed' &&
      crashAt === 'after the completion is committed, before its child is enqueued'
    )
      die();
    if (state === 'running' && crashAt === 'after the preparation is committed, before any turn is enqueued')
      die();
    return result;
  }

  override async commitTurn(
    ...[run, before, after, writes]: Parameters<FirestoreRunStore['commitTurn']>
  ): Promise<CommitResult> {
    isCrashingTurn = before.value.turn === crashTurn;
    if (isCrashingTurn && crashAt === 'before the commit') die();
    const result = await super.commitTurn(run, before, after, writes);
    if (isCrashingTurn && crashAt === 'after the commit, before any enqueue') die();
    return result;
  }
}

const queue: Runtime['ports']['queue'] = {
  async enqueue(task) {
    const isChild = task.worker === child.name;
    if (isCrashingTurn && !isChild && crashAt === 'between the children and the continuation') die();
    const result = await real.ports.queue.enqueue(task);
    if (crashAt === 'before the start is answered' && task.delivery.kind === 'prepare') die();
    if (isCrashingTurn && isChild && crashAt === 'between two children') die();
    if (isCrashingTurn && !isChild && crashAt === 'before the answer') die();
    return result;
  },
  has: async (task) => await real.ports.queue.has(task),
};

const runtime: Runtime = {
  ...real,
  ports: { ...real.ports, store: new DyingStore(real.ports.store.db), queue },
};
// Node keeps what it has compiled when a process ends by itself; this one will be killed.
flushCompileCache();
const [port] = (await once(process, 'message')) as [number];
await serveFunctions(
  {
    [walk.name]: worker(walk, () => runtime),
    [child.name]: worker(child, () => runtime),
    [launch.name]: worker(launch, () => runtime),
  },
  port,
);
process.send?.('ready');
