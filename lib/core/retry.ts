import { command } from './control.ts';
import { PageturnerError } from './errors.ts';
import { newShard, type RunChange, type RunRecords, type Shard } from './run.ts';
import type { Cause } from './transition.ts';
import { turnTask } from './turn-rules.ts';

/**
 * A run that has ended, taken up again; undefined when it goes on already. Its shards go on at their cursors with no failure counted, and
 * one more shard takes the documents again that were set aside, if there are any.
 *
 * @throws PageturnerError `invalid-state`.
 */
export function retried(found: RunRecords, hasSetAside: boolean, cause: Cause): RunChange | undefined {
  if (found.run.state === 'completed' && !hasSetAside) {
    throw new PageturnerError(
      'invalid-state',
      `Run ${found.run.id} is completed and has set no document aside: there is nothing to retry.`,
    );
  }
  const { failures: _, ...run } = found.run;
  const change = command({ ...found, run }, 'retry', cause);
  if (change?.run?.state !== 'running') return change;
  const shards = (change.shards ?? []).map(({ blamed: _blamed, ...shard }) => ({ ...shard, failures: 0 }));
  const isWalking = shards.some(({ source, state }) => source !== undefined && state === 'running');
  if (!hasSetAside || isWalking) return { ...change, shards };
  const fresh: Shard = { ...newShard(found.shards.length, cause.at), source: 'set-aside' };
  const extra: Shard = { ...fresh, outbox: [turnTask(change.run, fresh)] };
  return { run: { ...change.run, shards: found.shards.length + 1 }, shards: [...shards, extra] };
}
