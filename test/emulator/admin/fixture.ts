import { onTestFinished } from 'vitest';
import { FaultInjector } from '../../../emulator/admin/fault-injector.ts';
import type { FaultRule } from '../../../emulator/admin/fault-rule.ts';
import type { DispatchResult } from '../../../emulator/core/dispatch.ts';
import type { QueueInput, TaskInput } from '../../../emulator/core/input.ts';
import { shortId } from '../../../emulator/core/names.ts';
import { Engine } from '../../../emulator/engine/engine.ts';
import type { EngineEvent } from '../../../emulator/engine/events.ts';
import { SeededRandom } from '../../../emulator/engine/random.ts';
import { VirtualClock } from '../../../emulator/engine/virtual-clock.ts';
import { MemoryStore } from '../../../emulator/store/memory.ts';
import { OK, START } from '../engine/fixture.ts';
import { LOCATION, QUEUE } from '../samples.ts';

export { OK } from '../engine/fixture.ts';
export const QUEUE_NAME: string = QUEUE;

/** A delivery that reached the target. */
export interface Arrival {
  readonly id: string;
  readonly attempt: number;
  /** Since the start, ms. */
  readonly at: number;
}

export interface FaultyEngineOptions {
  readonly rules?: readonly FaultRule[];
  readonly seed?: number;
  readonly queue?: Omit<QueueInput, 'name'>;
  readonly answer?: (arrival: Arrival) => DispatchResult;
}

export interface FaultyEngine {
  readonly engine: Engine;
  readonly clock: VirtualClock;
  readonly faults: FaultInjector;
  readonly events: EngineEvent[];
  readonly deliveries: Arrival[];
  readonly start: number;
  readonly create: (id: string, input?: TaskInput) => void;
  readonly taskName: (id: string) => string;
}

/** An engine with one queue, in virtual time, with faults between it and a target that answers at once. */
export function startFaultyEngine(options: FaultyEngineOptions = {}): FaultyEngine {
  const { rules = [], seed = 1, queue = {}, answer = () => OK } = options;
  const clock = new VirtualClock(START);
  const faults = new FaultInjector({ clock, seed });
  for (const rule of rules) faults.add(rule);
  const deliveries: Arrival[] = [];
  const engine = new Engine({
    clock,
    random: new SeededRandom(seed),
    store: new MemoryStore(),
    sizeOf: ({ target }) => target.body.length,
    dispatch: faults.wrap(async ({ task }) => {
      const arrival = { id: shortId(task.name), attempt: task.dispatchCount + 1, at: clock.now() - START };
      deliveries.push(arrival);
      return await Promise.resolve(answer(arrival));
    }),
  });
  onTestFinished(() => engine.close());
  faults.guardCreate(engine.tasks);
  const events: EngineEvent[] = [];
  engine.observe((event) => events.push(event));
  engine.queues.create(LOCATION, { ...queue, name: QUEUE });
  const taskName = (id: string): string => `${QUEUE}/tasks/${id}`;
  return {
    engine,
    clock,
    faults,
    events,
    deliveries,
    start: START,
    taskName,
    create: (id, input = {}) =>
      void engine.tasks.create(QUEUE, {
        name: taskName(id),
        target: { kind: 'http', url: 'https://worker.example/' },
        ...input,
      }),
  };
}
