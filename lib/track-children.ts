import type { Firestore } from '@google-cloud/firestore';
import { changeIfSame } from './change-if-same.ts';
import { waitMs, type Child } from './core/child.ts';
import { restartRun } from './core/control.ts';
import { derivedTaskId } from './core/names.ts';
import type { OutboxTask } from './core/outbox.ts';
import type { Run } from './core/run.ts';
import { hasEnded } from './core/run-state.ts';
import type { Write } from './core/write.ts';
import { drainRun } from './drain.ts';
import type { Ports, RunStore } from './ports.ts';

/** The writes that note the children of a page which their run waits for, in the page's own commit. */
export function childWrites(
  db: Firestore,
  runId: string,
  children: readonly OutboxTask[],
  at: number,
): readonly Write[] {
  return children.flatMap(({ id, queue, delivery }): Write[] => {
    if ((delivery.kind !== 'task' && delivery.kind !== 'start') || delivery.parent === undefined) return [];
    const childRun = delivery.kind === 'start' ? { childRun: delivery.run } : {};
    const data: Child = { id, state: 'open', queue, taskId: id, ...childRun, at };
    return [{ kind: 'set', ref: db.doc(`pageturnerRuns/${runId}/children/${id}`), data }];
  });
}

/** Has the completion of a run come again later, since children of it have not ended. */
export async function waitForChildren(run: Run, ports: Ports): Promise<'waiting' | undefined> {
  const { store, clock } = ports;
  const now = clock.now();
  const waits = run.waits ?? 0;
  const change = await changeIfSame(run, store, (found) => {
    const next = restartRun(found.run, now);
    const outbox = next.outbox.map((task, place) =>
      place === next.outbox.length - 1 ? { ...task, at: now + waitMs(waits) } : task,
    );
    return { run: { ...next, waits: waits + 1, outbox }, reliesOn: 'written' };
  });
  if (change?.run === undefined) return undefined;
  await drainRun(change.run, ports);
  return 'waiting';
}

const pageSize = 100;

/**
 * Finds children that will never tell that they have ended, because their task is gone from its queue, and has them counted as failed.
 *
 * @returns whether there were any
 */
export async function healChildren(run: Run, quietMs: number, ports: Ports): Promise<boolean> {
  const { store, clock, log } = ports;
  let hasLost = false;
  for (let after: string | null = null; ;) {
    const children: readonly Child[] = await store.openChildren(run.id, after, pageSize);
    for (const [place, child] of children.entries()) {
      if (clock.now() - child.at < quietMs) continue;
      const end = await endOf(run, child, children[place - 1]?.id ?? after, ports);
      if (end === 'open') continue;
      hasLost = true;
      await store.endChild({ run: run.id, child: child.id }, end);
      if (end === undefined) continue;
      log.write('WARNING', `A child of the run counts as failed: ${end}`, {
        task: run.task,
        run: run.id,
        child: child.id,
      });
    }
    const last = children.at(-1);
    if (last === undefined || children.length < pageSize) return hasLost;
    after = last.id;
  }
}

/**
 * `open` while it may still end by itself; else how it failed, or undefined when it ended well.
 *
 * @param before the open child before it, null where there is none
 */
async function endOf(
  run: Run,
  child: Child,
  before: string | null,
  { store, queue }: Ports,
): Promise<string | undefined> {
  const ended = await endOfRun(child, store);
  if (ended !== 'no run') return ended;
  if (await queue.has({ queue: child.queue, id: child.taskId })) return 'open';
  // What it goes on as may not have been noted, if its last attempt failed in between.
  const next = derivedTaskId(child.id, (child.repeat ?? 0) + 1);
  if (await queue.has({ queue: child.queue, id: next })) return 'open';
  // It may have left the queue since it was read. What it then went on as was written before.
  const [now] = await store.openChildren(run.id, before, 1);
  if (now?.id !== child.id || now.taskId !== child.taskId) return 'open';
  const endedSince = await endOfRun(child, store);
  return endedSince === 'no run' ? 'its task is gone from the queue' : endedSince;
}

async function endOfRun({ childRun }: Child, store: RunStore): Promise<string | undefined> {
  const found = childRun === undefined ? undefined : await store.getRun(childRun);
  if (found === undefined) return 'no run';
  if (!hasEnded(found.run.state)) return 'open';
  return found.run.state === 'completed' ? undefined : `its run is ${found.run.state}`;
}
