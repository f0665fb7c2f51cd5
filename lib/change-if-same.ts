import type { Run, RunChange, RunRecords } from './core/run.ts';
import type { Write } from './core/write.ts';
import type { RunStore } from './ports.ts';

/** Changes a run if nobody has changed what it does since it was read: its state and its epoch are still the same. */
export async function changeIfSame(
  run: Run,
  store: RunStore,
  change: (now: RunRecords) => RunChange | undefined,
  writes: readonly Write[] = [],
): Promise<RunChange | undefined> {
  return await store.changeRun(
    run.id,
    (now) => (now.run.epoch === run.epoch && now.run.state === run.state ? change(now) : undefined),
    writes,
  );
}
