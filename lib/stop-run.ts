import { changeIfSame } from './change-if-same.ts';
import { emptied, haveStayed, parkAll, stopped } from './core/control.ts';
import type { RunDelivery } from './core/delivery.ts';
import { errorRecord } from './core/errors.ts';
import { isPlatformFailure } from './core/platform-failure.ts';
import { isStopping } from './core/run-state.ts';
import { drainChildren, drainOwed, drainRun } from './drain.ts';
import type { Ports } from './ports.ts';

export interface StopOptions {
  readonly by: string;
  /** Whether shards that have not parked, and a completion, are not waited for. From then on no page of theirs can take effect. */
  readonly force?: boolean;
  /** The epoch of the completion whose `onComplete` is known not to be at work. */
  readonly completionOver?: number;
}

/**
 * Ends the pausing or canceling of a run if each of its shards stands still. Called by whoever parked a shard; the last one finds all
 * parked.
 */
export async function stopRun(runId: string, options: StopOptions, ports: Ports): Promise<void> {
  const { by, force, completionOver } = options;
  const { store, queue, clock, log } = ports;
  if (force === true) {
    await store.changeRun(runId, (found) =>
      isStopping(found.run.state) ? parkAll(found, clock.now()) : undefined,
    );
  }
  const found = await store.getRun(runId);
  if (found === undefined) return;
  if (!isStopping(found.run.state)) {
    // Who stopped it may have died before it enqueued the callback.
    await drainOwed(found.run, queue);
    return;
  }
  if (found.shards.some(({ state }) => state === 'running')) return;
  const { cutCompletion } = found.run;
  if (force !== true && cutCompletion !== undefined && cutCompletion !== completionOver) return;
  let hasLeftovers = false;
  try {
    for (const shard of found.shards) await drainChildren(found.run, shard, queue);
  } catch (error) {
    // A queue that does not exist must not keep a run from being stopped by force.
    if (force !== true || isPlatformFailure(error)) throw error;
    hasLeftovers = true;
    const { message } = errorRecord(error, 0);
    log.write('ERROR', `The run stops though not all that it started is enqueued: ${message}`, {
      task: found.run.task,
      run: runId,
    });
  }
  let isMoved = false;
  const change = await changeIfSame(found.run, store, (now) => {
    isMoved = !haveStayed(now.shards, found.shards);
    return isMoved ? undefined : stopped(now, { at: clock.now(), by }, hasLeftovers);
  });
  // What has moved on may have started more, which is not enqueued yet: look again.
  if (isMoved) return await stopRun(runId, options, ports);
  if (change?.run === undefined) return;
  log.write('INFO', `The run is ${change.run.state}`, { task: change.run.task, run: runId });
  await drainRun(change.run, ports);
}

/** Takes the word that the workers of a run have had their time. */
export async function settleRun(delivery: RunDelivery, ports: Ports): Promise<'settled' | 'void'> {
  const found = await ports.store.getRun(delivery.run);
  if (found === undefined || found.run.epoch !== delivery.epoch) return 'void';
  await stopRun(delivery.run, { by: 'worker', force: true }, ports);
  return 'settled';
}

/** Enqueues what a run that stands still or has ended, and its shards, started and may not have got to enqueue. */
export async function enqueueLeftovers(runId: string, ports: Ports): Promise<void> {
  const { store, queue } = ports;
  const found = await store.getRun(runId);
  if (found === undefined) return;
  const { run, shards } = found;
  await drainRun(run, ports);
  if (!run.hasLeftovers) return;
  for (const shard of shards) await drainChildren(run, shard, queue);
  let isMoved = false;
  await changeIfSame(run, store, (now) => {
    isMoved = !haveStayed(now.shards, shards);
    return isMoved ? undefined : { run: { ...now.run, hasLeftovers: false }, shards: emptied(now.shards) };
  });
  if (isMoved) await enqueueLeftovers(runId, ports);
}
