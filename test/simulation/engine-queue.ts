import { nextTick } from 'node:process';
import { ApiError } from '../../emulator/core/errors.ts';
import type { Dispatch } from '../../emulator/core/dispatch.ts';
import type { PushTask, Task } from '../../emulator/core/model.ts';
import { Engine } from '../../emulator/engine/engine.ts';
import { SeededRandom } from '../../emulator/engine/random.ts';
import { MemoryStore } from '../../emulator/store/memory.ts';
import type { Delivery } from '../../lib/core/delivery.ts';
import type { OutboxTask } from '../../lib/core/outbox.ts';
import type { Clock, RetryLookup, TaskQueue } from '../../lib/ports.ts';
import type { VirtualClock } from '../../emulator/engine/virtual-clock.ts';

export const location = 'projects/p/locations/l';
export const queues = ['iterate', 'children'] as const;

/** Attempts after which a queue drops a task; never unless given. */
export type MaxAttempts = Partial<Readonly<Record<string, number | undefined>>>;

/**
 * An engine in virtual time, with the queues of the toolkit's tasks. They never give a task up, unless they are to do so after
 * `maxAttempts`.
 */
export function virtualEngine(
  clock: VirtualClock,
  seed: number,
  dispatch: Dispatch,
  maxAttempts: MaxAttempts = {},
): Engine {
  const engine = new Engine({
    clock,
    random: new SeededRandom(seed),
    store: new MemoryStore(),
    dispatch,
    sizeOf: ({ target }) => target.body.length,
  });
  for (const name of queues) {
    engine.queues.create(location, {
      name: `${location}/queues/${name}`,
      retryConfig: {
        maxAttempts: maxAttempts[name] ?? -1,
        minBackoffMs: 100,
        maxBackoffMs: 5_000,
      },
    });
  }
  return engine;
}

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

  async has(task: OutboxTask): Promise<boolean> {
    try {
      this.#engine.tasks.get(`${location}/queues/${task.queue}/tasks/${task.id}`);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'NOT_FOUND') return false;
      throw error;
    }
  }
}

/** What the engine says of a task's first attempt: undefined while there was none, and when the task is gone. */
export function firstAttemptIn(engine: Engine): RetryLookup['firstAttemptAt'] {
  return async (queue, taskId) => {
    try {
      return engine.tasks.get(`${location}/queues/${queue}/tasks/${taskId}`).firstAttempt?.dispatchAt;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  };
}

/** The name of the function that a task is for, and its body. */
export function contentOf({ target }: Task): { readonly worker: string; readonly body: string } {
  if (target.kind !== 'http') throw new Error('the toolkit enqueues HTTP tasks only');
  return { worker: target.url.split('/').at(-1) ?? '', body: Buffer.from(target.body).toString('utf8') };
}

/** The same task with another body. */
export function withBody(task: PushTask, body: Delivery): PushTask {
  if (task.target.kind !== 'http') throw new Error('the toolkit enqueues HTTP tasks only');
  return { ...task, target: { ...task.target, body: Buffer.from(JSON.stringify(body)) } };
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

/**
 * Lets every promise settle. Nothing in a history waits for the world outside, so it needs no turn of the event loop, which costs several
 * times as much: what stands in the queue of ticks has its time when no promise has anything left to do.
 */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => {
    nextTick(resolve);
  });
}

/** Virtual time passes. */
export async function sleep(clock: VirtualClock, ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    clock.at(clock.now() + ms, resolve);
  });
}
