import { callBack } from './call-back.ts';
import { completeRun } from './complete-run.ts';
import type { IterativeTask } from './core/definition.ts';
import type { Delivery, TaskDelivery } from './core/delivery.ts';
import { finishShard } from './finish-shard.ts';
import type { Attempt, Ports } from './ports.ts';
import { prepareRun } from './prepare-run.ts';
import { takeStart } from './start-run.ts';
import { settleRun } from './stop-run.ts';
import { takeTurn } from './take-turn.ts';

/**
 * What a worker of an iterative task does with what its queue delivers. When it resolves, the delivery is dealt with: the text says how.
 *
 * @param attempt which attempt of the queue this is, if a queue delivers
 * @throws what each of them throws: the delivery must come again.
 */
export async function takeDelivery(
  task: IterativeTask,
  delivery: Exclude<Delivery, TaskDelivery>,
  ports: Ports,
  attempt?: Attempt,
): Promise<string> {
  switch (delivery.kind) {
    case 'start':
      return await takeStart(task, delivery, ports);
    case 'prepare':
      return await prepareRun(task, delivery, ports, attempt);
    case 'turn':
      return await takeTurn(task, delivery, ports, attempt);
    case 'finish':
      return await finishShard(task, delivery, ports);
    case 'complete':
      return await completeRun(task, delivery, ports, attempt);
    case 'callback':
      return await callBack(task, delivery, ports, attempt);
    case 'settle':
      return await settleRun(delivery, ports);
  }
}
