import { errorRecord } from './core/errors.ts';
import { isPlatformFailure } from './core/platform-failure.ts';
import type { Shard } from './core/run.ts';
import { drain } from './drain.ts';
import type { Ports } from './ports.ts';

/**
 * Enqueues what a turn's commit stored. Where it can not be, as its queue does not exist, the shard keeps why, for the people who look at
 * a run that does not go on: it stands there until a page takes effect. The delivery comes again all the same.
 *
 * @throws what the queue throws.
 */
export async function drainTurn(runId: string, shard: Shard, ports: Ports): Promise<void> {
  try {
    await drain(shard.outbox, ports.queue);
  } catch (error) {
    // What passes by itself is not worth a write, under which the next turn may be at work already.
    if (!isPlatformFailure(error)) await keepWhy(runId, shard, error, ports).catch(() => undefined);
    throw error;
  }
}

async function keepWhy(runId: string, shard: Shard, error: unknown, { store, clock }: Ports): Promise<void> {
  const lastError = errorRecord(error, clock.now());
  await store.changeRun(runId, ({ shards }) => {
    const now = shards[shard.index];
    const isSame = now?.turn === shard.turn && now.epoch === shard.epoch;
    if (!isSame || now.lastError?.message === lastError.message) return undefined;
    return { shards: [{ ...now, lastError }], reliesOn: 'written' };
  });
}
