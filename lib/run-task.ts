import { callHandler } from './call-handler.ts';
import type { OneShotTask } from './core/definition.ts';
import type { TaskDelivery } from './core/delivery.ts';
import { FatalTaskError, errorRecord } from './core/errors.ts';
import { derivedTaskId } from './core/names.ts';
import type { OutboxTask } from './core/outbox.ts';
import { parseParameters } from './core/parameters.ts';
import { drain } from './drain.ts';
import { Effects } from './effects.ts';
import type { Attempt, Ports } from './ports.ts';

/** How a one-shot task ended; each of these is an answer of 2xx. */
export type TaskOutcome = 'done' | 'terminated' | 'repeated' | 'failed';

/**
 * Runs a one-shot task, and enqueues what it started when it is through. A failure of its last attempt is recorded before it is thrown:
 * the queue drops the task without a word.
 *
 * @param attempt which attempt of the queue this is, if a queue delivers
 * @throws PageturnerError `invalid-parameters`, and what the handler, the database or the queue throws: it must come again.
 */
export async function runTask(
  task: OneShotTask,
  delivery: TaskDelivery,
  ports: Ports,
  { queueId, attempt }: { readonly queueId: string; readonly attempt?: Attempt },
): Promise<TaskOutcome> {
  try {
    return await runOnce(task, delivery, ports, { queueId, attempt });
  } catch (error) {
    if ((await attempt?.isLast()) === true) await giveUp(task, delivery, error, ports);
    throw error;
  }
}

async function giveUp(
  task: OneShotTask,
  delivery: TaskDelivery,
  error: unknown,
  { store, clock, log }: Ports,
): Promise<void> {
  const record = errorRecord(error, clock.now());
  log.write('ERROR', `The last attempt of the task failed: ${record.message}`, {
    task: task.name,
    id: delivery.id,
  });
  try {
    await store.recordFailure({ ...record, id: delivery.id, task: task.name, params: delivery.params });
    if (delivery.parent !== undefined) await store.endChild(delivery.parent, record.message);
  } catch (fault) {
    const { message } = errorRecord(fault, 0);
    log.write('ERROR', `The failure could not be recorded: ${message}`, { task: task.name, id: delivery.id });
  }
}

async function runOnce(
  task: OneShotTask,
  delivery: TaskDelivery,
  ports: Ports,
  { queueId, attempt }: { readonly queueId: string; readonly attempt: Attempt | undefined },
): Promise<TaskOutcome> {
  const { store, queue, clock, log } = ports;
  const where = { task: task.name, id: delivery.id };
  const params: unknown = parseParameters(task.name, task.params, delivery.params);
  const effects = new Effects([delivery.id, delivery.repeat], () => clock.now());
  let outcome;
  try {
    const call = { task, queue: queueId, handler: 'run', effects };
    outcome = await callHandler(call, clock, async (deadline) => {
      const context = {
        ...effects.startContext(store.db, deadline),
        idempotencyKey: `${delivery.id}-${delivery.repeat}`,
      };
      return await task.run(params, context);
    });
  } catch (error) {
    if (!(error instanceof FatalTaskError)) throw error;
    const record = errorRecord(error, clock.now());
    await store.recordFailure({ ...record, id: delivery.id, task: task.name, params: delivery.params });
    log.write('ERROR', `The task failed for good: ${record.message}`, where);
    if (delivery.parent !== undefined) await store.endChild(delivery.parent, record.message);
    return 'failed';
  }
  const endWell = async (): Promise<void> => {
    if (delivery.parent !== undefined) await store.endChild(delivery.parent);
  };
  if (outcome === undefined) {
    await drain(effects.children, queue);
    await endWell();
    return 'done';
  }
  switch (outcome.outcome) {
    case 'terminate':
      await drain(effects.children, queue);
      await endWell();
      log.write('INFO', `The task terminated: ${outcome.reason}`, where);
      return 'terminated';
    case 'repeat': {
      const next = nextRepeat(task, delivery, queueId, clock.now() + outcome.afterMs);
      try {
        await goOn(delivery, next, effects.children, ports);
      } catch (error) {
        // The next time may be in its queue all the same: then the task lives, and has not failed.
        const isLast = (await attempt?.isLast()) === true;
        if (!isLast || !(await queue.has(next).catch(() => false))) throw error;
        const { message } = errorRecord(error, 0);
        log.write('WARNING', `The task repeats itself, though its last attempt failed: ${message}`, where);
      }
      return 'repeated';
    }
  }
}

async function goOn(
  delivery: TaskDelivery,
  next: OutboxTask,
  children: readonly OutboxTask[],
  { store, queue, clock }: Ports,
): Promise<void> {
  await drain([...children, next], queue);
  if (delivery.parent === undefined) return;
  const repeat = delivery.repeat + 1;
  // Behind the enqueueing: while this task is in its queue, nobody takes the child for lost.
  await store.moveChild(delivery.parent, { taskId: next.id, repeat, at: clock.now() });
}

function nextRepeat(task: OneShotTask, delivery: TaskDelivery, queueId: string, at: number): OutboxTask {
  const repeat = delivery.repeat + 1;
  return {
    id: derivedTaskId(delivery.id, repeat),
    queue: queueId,
    worker: task.name,
    delivery: { ...delivery, repeat },
    at,
    timeoutSeconds: task.timeoutSeconds,
  };
}
