/**
 * A worker process that dies of SIGKILL at one step of one turn. The parent starts it again without CRASH_AT, as the platform would.
 * Usage: node worker-process.ts PORT, with the settings of lib in the environment, and CRASH_AT, CRASH_TURN.
 */
import { worker } from '../../../lib/index.ts';
import { FirestoreRunStore } from '../../../lib/firestore/run-store.ts';
import type { CommitResult } from '../../../lib/ports.ts';
import { createRuntime, type Runtime } from '../../../lib/runtime.ts';
import { serveFunctions } from '../../support/serve-functions.ts';
import { child, walk } from './tasks.ts';

const real = createRuntime(process.env);
const crashAt = process.env['CRASH_AT'];
const crashTurn = Number(process.env['CRASH_TURN']);
let isCrashingTurn = false;

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable');
}

class DyingStore extends FirestoreRunStore {
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
await serveFunctions(
  { [walk.name]: worker(walk, () => runtime), [child.name]: worker(child, () => runtime) },
  Number(process.argv[2]),
);
process.send?.('ready');
