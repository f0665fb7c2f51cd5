import type { DocumentSnapshot, Firestore } from '@google-cloud/firestore';
import type { IterativeTask } from '../../lib/core/definition.ts';
import type { Run } from '../../lib/core/run.ts';
import { hasEnded, type RunState } from '../../lib/core/run-state.ts';
import { startRun } from '../../lib/start-run.ts';
import { takeDelivery } from '../../lib/take-delivery.ts';
import type { TestPorts } from './test-runtime.ts';

/** Waits, by a listener, until a run has ended. */
export async function untilEnded(db: Firestore, runId: string): Promise<DocumentSnapshot> {
  return await new Promise((resolve, reject) => {
    const stop = db.doc(`pageturnerRuns/${runId}`).onSnapshot((snapshot) => {
      if (!hasEnded(snapshot.get('state') as RunState)) return;
      stop();
      resolve(snapshot);
    }, reject);
  });
}

/** Has an iterative task take what was last enqueued for it, and says how that ended. */
export async function takeLast(task: IterativeTask, ports: TestPorts): Promise<string> {
  const delivery = ports.queue.tasks.findLast(({ worker }) => worker === task.name)?.delivery;
  if (delivery === undefined || delivery.kind === 'task')
    throw new Error(`nothing is enqueued for ${task.name}`);
  return await takeDelivery(task, delivery, ports);
}

/** Has an iterative task take what is enqueued for it, and what that enqueues, each once and in order; whatever fails is left. */
export async function takeAll(task: IterativeTask, ports: TestPorts): Promise<string[]> {
  const outcomes: string[] = [];
  for (let taken = takenOf.get(ports.queue) ?? 0; taken < ports.queue.tasks.length; taken += 1) {
    takenOf.set(ports.queue, taken + 1);
    const next = ports.queue.tasks[taken];
    if (next === undefined || next.worker !== task.name || next.delivery.kind === 'task') continue;
    outcomes.push(await takeDelivery(task, next.delivery, ports).catch(({ message }: Error) => message));
  }
  return outcomes;
}

/** How many tasks of a queue were taken. */
const takenOf = new WeakMap<object, number>();

/** A run that is ready for its first turn. */
export async function begin(task: IterativeTask, ports: TestPorts, shards?: number): Promise<void> {
  const start = { run: 'r', queue: 'iterate', params: {}, startedBy: 'test' };
  await startRun(task, { ...start, ...(shards === undefined ? {} : { shards }) }, ports);
  await takeLast(task, ports);
}

/** A run that is running, with one shard, for rules and stores. */
export function sampleRun(changes: Partial<Run> = {}): Run {
  return {
    id: 'r',
    task: 'walk',
    queue: 'iterate',
    params: '{}',
    state: 'running',
    epoch: 0,
    shards: 1,
    boundaries: [],
    timeoutSeconds: 60,
    startedBy: 'code',
    createdAt: 0,
    updatedAt: 0,
    hasLeftovers: false,
    history: [],
    outbox: [],
    ...changes,
  };
}
