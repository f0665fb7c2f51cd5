import { ApiError } from '../core/errors.ts';
import { newQueue } from '../core/queue-rules.ts';
import { parseQueueName, shortId } from '../core/names.ts';
import type { QueueOperations } from '../engine/queues.ts';
import { declaredQueue } from './declared-queue.ts';
import type { DeclaredQueue, QueueSettings } from './declared-queue.ts';

/** Which queues were made, changed and let be, by their ids. */
export interface QueueChanges {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly left: readonly string[];
}

/** The queues that an emulator is told to have, at the start and later. */
export class DeclaredQueues {
  readonly #location: string;
  #declared: readonly DeclaredQueue[];

  /** @throws ApiError INVALID_ARGUMENT */
  constructor(location: string, queues: readonly QueueSettings[]) {
    this.#location = location;
    this.#declared = this.#read(queues);
  }

  /** Makes those that are missing. Those that are there stay as they are. */
  makeAll(operations: QueueOperations): void {
    for (const { input, state } of this.#declared) operations.declare(input, state);
  }

  /** Takes others in their place, all or none. Those that are declared as before are not touched. */
  replace(queues: readonly QueueSettings[], operations: QueueOperations): QueueChanges {
    const next = this.#read(queues);
    const before = new Map(this.#declared.map((queue) => [queue.input.name, JSON.stringify(queue)]));
    const changed = next.filter((queue) => before.get(queue.input.name) !== JSON.stringify(queue));
    for (const { input } of changed) {
      const found = operations.find(input.name);
      if (found === undefined || (found.isPull ?? false) === (input.isPull ?? false)) continue;
      const [kept, given] = input.isPull ? ['push', 'pull'] : ['pull', 'push'];
      throw new ApiError(
        'FAILED_PRECONDITION',
        `Queue ${shortId(input.name)} is a ${kept} queue and cannot become a ${given} queue: delete it first, or give the new one another name.`,
      );
    }
    const created: string[] = [];
    const updated: string[] = [];
    for (const { input, state } of changed) {
      const isNew = operations.find(input.name) === undefined;
      (isNew ? created : updated).push(shortId(input.name));
      if (isNew) operations.declare(input, state);
      else operations.redeclare(input, state);
    }
    this.#declared = next;
    const names = new Set(next.map(({ input }) => input.name));
    const left = [...before.keys()].filter((name) => !names.has(name)).map(shortId);
    return { created, updated, left };
  }

  #read(queues: readonly QueueSettings[]): readonly DeclaredQueue[] {
    const declared = queues.map((queue) => declaredQueue(queue, this.#location));
    for (const { input } of declared) {
      parseQueueName(input.name);
      newQueue(input.name, input);
    }
    return declared;
  }
}
