import { onTestFinished } from 'vitest';
import type { DispatchRequest, DispatchResult } from '../../../emulator/core/dispatch.ts';
import type { QueueInput, TaskInput } from '../../../emulator/core/input.ts';
import { Engine } from '../../../emulator/engine/engine.ts';
import type { EngineSettings } from '../../../emulator/engine/engine.ts';
import type { EngineEvent } from '../../../emulator/engine/events.ts';
import { Production } from '../../../emulator/engine/production.ts';
import { SeededRandom } from '../../../emulator/engine/random.ts';
import { VirtualClock } from '../../../emulator/engine/virtual-clock.ts';
import { MemoryStore } from '../../../emulator/store/memory.ts';
import type { TaskStore } from '../../../emulator/store/store.ts';
import { LOCATION, QUEUE } from '../samples.ts';

export const START: number = Date.UTC(2026, 0, 1);

/** A delivery that the engine asked for; the test decides how it ends. */
export interface Delivery extends DispatchRequest {
  readonly at: number;
  readonly end: (result: DispatchResult) => void;
}

export interface EngineFixture {
  readonly engine: Engine;
  readonly clock: VirtualClock;
  readonly store: TaskStore;
  readonly events: EngineEvent[];
  /** Every delivery so far. */
  readonly deliveries: Delivery[];
  /** Creates a task of the fixture's queue. */
  readonly create: (id: string, input?: TaskInput) => void;
  readonly taskName: (id: string) => string;
}

export interface EngineFixtureOptions {
  /** Answers each delivery at once; without it the test ends deliveries by hand. */
  readonly answer?: (delivery: Delivery) => DispatchResult;
  readonly queue?: Omit<QueueInput, 'name'>;
  readonly settings?: Partial<EngineSettings>;
  readonly store?: TaskStore;
  readonly production?: Production;
}

export const OK: DispatchResult = { kind: 'response', httpStatus: 200 };
export const FAILED: DispatchResult = { kind: 'response', httpStatus: 500 };

/** An engine with one queue, in virtual time, whose deliveries go to the test. */
export function startEngine(options: EngineFixtureOptions = {}): EngineFixture {
  const { answer, queue, settings = {}, store = new MemoryStore(), production = new Production() } = options;
  const clock = new VirtualClock(START);
  const deliveries: Delivery[] = [];
  const dispatch = (request: DispatchRequest, signal: AbortSignal): Promise<DispatchResult> => {
    const { promise, resolve } = Promise.withResolvers<DispatchResult>();
    signal.addEventListener('abort', () => resolve({ kind: 'unreachable', reason: 'closed' }));
    const delivery = { ...request, at: clock.now() - START, end: resolve };
    deliveries.push(delivery);
    if (answer !== undefined) resolve(answer(delivery));
    return promise;
  };
  const engine = new Engine({
    clock,
    random: new SeededRandom(1),
    store,
    dispatch,
    sizeOf,
    settings,
    production,
  });
  onTestFinished(() => engine.close());
  const events: EngineEvent[] = [];
  engine.observe((event) => events.push(event));
  if (store.listQueues().length === 0) engine.queues.create(LOCATION, { ...queue, name: QUEUE });
  const taskName = (id: string): string => `${QUEUE}/tasks/${id}`;
  return {
    engine,
    clock,
    store,
    events,
    deliveries,
    taskName,
    create: (id, input = {}) =>
      void engine.tasks.create(QUEUE, {
        name: taskName(id),
        target: { kind: 'http', url: 'https://worker.example/' },
        ...input,
      }),
  };
}

function sizeOf(task: { readonly target: { readonly body: Uint8Array } }): number {
  return task.target.body.length;
}
