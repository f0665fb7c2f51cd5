import type { CompletionContext } from './core/context.ts';
import type { IterativeTask } from './core/definition.ts';
import type { FinishDelivery } from './core/delivery.ts';
import { errorRecord, FatalTaskError } from './core/errors.ts';
import { derivedTaskId } from './core/names.ts';
import { parseParameters } from './core/parameters.ts';
import type { Run } from './core/run.ts';
import { mustBelongTo } from './core/turn-rules.ts';
import { withDeadline } from './deadline.ts';
import { drain } from './drain.ts';
import { Effects } from './effects.ts';
import type { Ports, Versioned } from './ports.ts';

/** How a request for completion ended; each of these is an answer of 2xx. */
export type FinishOutcome = 'completed' | 'replayed' | 'shards-left' | 'void' | 'failed';

/**
 * Completes a run when its last shard is done: calls `onComplete` and commits what it asks for together with the run's last state,
 * so that it takes effect once. It never touches a document again, however often `onComplete` fails.
 *
 * @throws what `onComplete`, the database or the queue throws: the delivery must come again.
 */
export async function finishRun(
  task: IterativeTask,
  delivery: FinishDelivery,
  ports: Ports,
): Promise<FinishOutcome> {
  const { store, queue, log } = ports;
  for (;;) {
    const found = await store.readRun(delivery.run, delivery.shards);
    if (found === undefined) {
      log.write('WARNING', 'A completion of an unknown run was dropped', {
        task: task.name,
        run: delivery.run,
      });
      return 'void';
    }
    const run = found.run.value;
    mustBelongTo(task, run);
    if (run.state === 'completed') {
      await drain(run.outbox, queue);
      return 'replayed';
    }
    if (run.state !== 'running') return 'void';
    const done = found.shards.filter((shard) => shard.state === 'done');
    if (done.length < run.shards) return 'shards-left';

    const processed = found.shards.reduce((sum, shard) => sum + shard.processed, 0);
    const outcome = await complete(task, found.run, processed, ports);
    if (outcome === 'conflict') continue;
    log.write(outcome === 'completed' ? 'INFO' : 'ERROR', `The run ${outcome}`, {
      task: task.name,
      run: run.id,
      processed,
    });
    return outcome;
  }
}

async function complete(
  task: IterativeTask,
  found: Versioned<Run>,
  processed: number,
  ports: Ports,
): Promise<'completed' | 'failed' | 'conflict'> {
  const { store, queue, clock } = ports;
  const run = found.value;
  const effects = new Effects([run.id, 'finish'], () => clock.now());
  try {
    await callOnComplete(task, run, processed, effects, ports);
  } catch (error) {
    const endedAt = clock.now();
    const record = errorRecord(error, endedAt);
    if (!(error instanceof FatalTaskError)) {
      // For people who look at the run. If it cannot be kept, the error itself still has the delivery come again.
      await store.commitRun(found, { ...run, error: record }, []).catch(() => 'conflict');
      throw error;
    }
    const failed: Run = { ...run, state: 'failed', endedAt, processed, error: record };
    return (await store.commitRun(found, failed, [])) === 'conflict' ? 'conflict' : 'failed';
  }
  const { error: _, ...before } = run;
  const after: Run = {
    ...before,
    state: 'completed',
    endedAt: clock.now(),
    processed,
    outbox: effects.children,
  };
  if ((await store.commitRun(found, after, effects.writes)) === 'conflict') return 'conflict';
  await drain(after.outbox, queue);
  return 'completed';
}

async function callOnComplete(
  task: IterativeTask,
  run: Run,
  processed: number,
  effects: Effects,
  ports: Ports,
): Promise<void> {
  if (task.onComplete === undefined) return;
  const params: unknown = parseParameters(task.name, task.params, JSON.parse(run.params));
  await withDeadline(task.timeoutSeconds, ports.clock, async (deadline) => {
    const context: CompletionContext<unknown> = {
      ...effects.context(ports.store.db, deadline),
      params,
      runId: run.id,
      processed,
      idempotencyKey: derivedTaskId(run.id, 'finish'),
    };
    await task.onComplete?.(context);
  }).finally(() => effects.close());
}
