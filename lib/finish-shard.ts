import type { IterativeTask } from './core/definition.ts';
import type { FinishDelivery } from './core/delivery.ts';
import { childrenOf, isWalked, walked } from './core/control.ts';
import { PageturnerError } from './core/errors.ts';
import { nextAlone } from './core/outbox.ts';
import type { Run, Shard } from './core/run.ts';
import { recounted } from './core/throttle.ts';
import { isStopping } from './core/run-state.ts';
import { mustBelongTo } from './core/turn-rules.ts';
import { drainRun } from './drain.ts';
import type { Ports } from './ports.ts';
import { stopRun } from './stop-run.ts';

/** How the word of a shard that it is done was taken; each of these is an answer of 2xx. */
export type FinishOutcome = 'walked' | 'replayed' | 'shards-left' | 'parked' | 'void';

/**
 * Takes a shard's word that it is done, and has the run completed if it was the last.
 *
 * @throws PageturnerError `too-early`, and what the database or the queue throws: the delivery must come again.
 */
export async function finishShard(
  task: IterativeTask,
  delivery: FinishDelivery,
  ports: Ports,
): Promise<FinishOutcome> {
  const { store, clock, log } = ports;
  const found = await store.getRun(delivery.run);
  if (found === undefined) {
    log.write('WARNING', 'The end of a shard of an unknown run was dropped', {
      task: task.name,
      run: delivery.run,
    });
    return 'void';
  }
  mustBelongTo(task, found.run);
  const shard = found.shards[delivery.shard];
  if (shard === undefined || shard.epoch < delivery.epoch || shard.state !== 'done') {
    throw new PageturnerError(
      'too-early',
      `Shard ${delivery.shard} of run ${delivery.run} is not seen to be done yet.`,
    );
  }
  if (shard.epoch > delivery.epoch) return 'void';
  if (childrenOf(found.run, shard).length > 0) {
    await dropChildren(found.run, shard, ports);
    return await finishShard(task, delivery, ports);
  }
  if (isStopping(found.run.state)) {
    await stopRun(delivery.run, { by: 'worker' }, ports);
    return 'parked';
  }
  if (found.run.state === 'completing') {
    await drainRun(found.run, ports);
    return 'replayed';
  }
  if (found.run.state !== 'running') return 'void';
  if (!isWalked(found)) {
    // What its share was is the others' now.
    if (recounted(task, found) !== undefined)
      await store.changeRun(delivery.run, (now) => recounted(task, now));
    return 'shards-left';
  }
  const change = await store.changeRun(delivery.run, (now) => walked(now, { at: clock.now(), by: 'worker' }));
  // Somebody paused the run meanwhile, say: look again.
  if (change?.run === undefined) return await finishShard(task, delivery, ports);
  await drainRun(change.run, ports);
  return 'walked';
}

/** The shard's last word shows that its children are enqueued. Later, the queue would have forgotten their names. */
async function dropChildren(run: Run, shard: Shard, { store }: Ports): Promise<void> {
  const found = await store.readTurn(run.id, shard.index);
  if (found === undefined || found.shard.value.epoch !== shard.epoch) return;
  const outbox = nextAlone(found.shard.value);
  // A conflict: somebody else was quicker.
  await store.commitTurn(run.id, found.shard, { ...found.shard.value, outbox }, []);
}
