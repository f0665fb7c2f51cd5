import { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import { MemoryRunStore } from '../../lib/testing/memory-run-store.ts';
import { RecordingLog, RecordingQueue } from './recording.ts';
import type { TestPorts } from './test-runtime.ts';

/** The use cases in memory, with a clock that stands until it is set and the documents `things/a` to `things/h`. */
export function memoryPorts(): TestPorts & { readonly clock: HeldClock } {
  const clock = new HeldClock();
  const db = new MemoryFirestore(() => clock.now());
  db.commit((batch) => {
    for (const id of 'abcdefgh') batch.set(`things/${id}`, { visits: 0 });
  });
  return {
    store: new MemoryRunStore(db),
    queue: new RecordingQueue(),
    clock,
    log: new RecordingLog(),
  };
}

/** Its timers never fire. */
export class HeldClock {
  ms = 1_000_000;

  now(): number {
    return this.ms;
  }

  after(): () => void {
    return () => {};
  }
}
