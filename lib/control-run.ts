import { PageturnerError } from './core/errors.ts';
import { childrenOf, control, type Command } from './core/control.ts';
import { drain } from './drain.ts';
import type { Ports, RunStore } from './ports.ts';
import { defaultRuntime } from './runtime.ts';

/**
 * Pauses a run. When it resolves, no page takes effect until the run is resumed: a page under way finds its shard changed and
 * commits nothing. A paused run stays so. What a handler does outside Firestore is not stopped.
 *
 * @throws PageturnerError `invalid-state` when there is no such run or it has ended; and what the database throws.
 */
export async function pauseRun(runId: string, ports: Ports = defaultRuntime().ports): Promise<void> {
  await command(runId, 'pause', ports);
}

/**
 * Resumes a paused run at its cursor. If this rejects, resume again: what a running run has to enqueue is enqueued once more.
 *
 * @throws PageturnerError `invalid-state` when there is no such run or it has ended; and what the database or the queue throws.
 */
export async function resumeRun(runId: string, ports: Ports = defaultRuntime().ports): Promise<void> {
  await command(runId, 'resume', ports);
}

/**
 * Cancels a run for good, without its `onComplete`. When it resolves, no page takes effect any more. A canceled run stays so.
 *
 * @throws PageturnerError `invalid-state` when there is no such run or it ended otherwise; and what the database throws.
 */
export async function cancelRun(runId: string, ports: Ports = defaultRuntime().ports): Promise<void> {
  await command(runId, 'cancel', ports);
}

async function command(runId: string, asked: Command, ports: Ports): Promise<void> {
  const { store, clock, log } = ports;
  for (;;) {
    const found = await read(runId, ports);
    const after = control(found.run.value, found.shard.value, asked, clock.now());
    if (after === 'as-asked') return await settle(found, ports);
    if ((await store.commitRunAndShard(found, after)) === 'conflict') continue;
    log.write('INFO', `The run is ${after.run.state}`, { task: after.run.task, run: runId });
    return await settle(await read(runId, ports), ports);
  }
}

/**
 * Enqueues what is left to enqueue. Where the chain stands still, that is the children of its last page, and then the outbox is
 * emptied: after a long pause the queue would have forgotten their names, and take them a second time.
 */
async function settle({ run, shard }: Found, { store, queue }: Ports): Promise<void> {
  if (run.value.state === 'running') return await drain(shard.value.outbox, queue);
  if (shard.value.outbox.length === 0) return undefined;
  await drain(childrenOf(run.value, shard.value), queue);
  // A conflict: another command was quicker, and sees to the outbox itself.
  await store.commitTurn(run.value.id, shard, { ...shard.value, outbox: [] }, []);
}

type Found = NonNullable<Awaited<ReturnType<RunStore['readTurn']>>>;

/** A run has one shard. */
async function read(runId: string, { store }: Ports): Promise<Found> {
  const found = await store.readTurn(runId, 0);
  if (found !== undefined) return found;
  throw new PageturnerError('invalid-state', `There is no run ${runId}.`);
}
