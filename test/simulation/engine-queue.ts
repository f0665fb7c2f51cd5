import { ApiError } from '../../emulator/core/errors.ts';
import type { DispatchRequest } from '../../emulator/core/dispatch.ts';
import type { Task } from '../../emulator/core/model.ts';
import type { Engine } from '../../emulator/engine/engine.ts';
import type { OutboxTask } from '../../lib/core/outbox.ts';
import type { Clock, TaskQueue } from '../../lib/ports.ts';
import type { VirtualClock } from '../../emulator/engine/virtual-clock.ts';

export const location = 'projects/p/locations/l';

/** The emulator's engine as the queue of the toolkit, without a network between them. */
export class EngineQueue implements TaskQueue {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async enqueue(task: OutboxTask): Promise<'created' | 'exists'> {
    const parent = `${location}/queues/${task.queue}`;
    try {
      this.#engine.tasks.create(parent, {
        name: `${parent}/tasks/${task.id}`,
        target: {
          kind: 'http',
          url: `https://functions.example/${task.worker}`,
          body: Buffer.from(JSON.stringify(task.delivery)),
        },
        scheduleAt: task.at,
        dispatchDeadlineMs: task.timeoutSeconds * 1000,
      });
      return 'created';
    } catch (error) {
      if (error instanceof ApiError && error.code === 'ALREADY_EXISTS') return 'exists';
      throw error;
    }
  }
}

/** The name of the function that a task is for, and its body. */
export function contentOf({ target }: Task): { readonly worker: string; readonly body: string } {
  if (target.kind !== 'http') throw new Error('the toolkit enqueues HTTP tasks only');
  return { worker: target.url.split('/').at(-1) ?? '', body: Buffer.from(target.body).toString('utf8') };
}

/** What a worker learns of an attempt from its headers, as `request.get` gives it. */
export function headerOf({ queue, task }: DispatchRequest, name: string): string | undefined {
  const headers: Readonly<Record<string, string>> = {
    authorization: 'Bearer simulated',
    'x-cloudtasks-queuename': queue.name.split('/').at(-1) ?? '',
    'x-cloudtasks-taskname': task.name.split('/').at(-1) ?? '',
    'x-cloudtasks-taskretrycount': String(task.dispatchCount),
    'x-cloudtasks-taskexecutioncount': String(task.executionCount),
  };
  return headers[name.toLowerCase()];
}

/** The toolkit's clock on the engine's virtual time. */
export function toolkitClock(clock: VirtualClock): Clock {
  return {
    now: () => clock.now(),
    after(delayMs, fire) {
      const timer = clock.at(clock.now() + delayMs, fire);
      return () => timer.cancel();
    },
  };
}

/** Virtual time passes. */
export async function sleep(clock: VirtualClock, ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    clock.at(clock.now() + ms, resolve);
  });
}
