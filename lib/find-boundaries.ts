import type { Query } from '@google-cloud/firestore';
import { changeIfSame } from './change-if-same.ts';
import { restartRun } from './core/control.ts';
import type { Drawing } from './core/drawing.ts';
import type { Run } from './core/run.ts';
import { drainRun } from './drain.ts';
import type { Ports } from './ports.ts';

/** How long the search goes on, in ms, before it keeps with the run how far it has come: less than a worker lives, even in bad times. */
const keepEveryMs = 1000;

/**
 * Searches for the boundaries of a run's shards. In a large collection that takes long: how far it has come is kept with the run, and when
 * half of an invocation's time is over, another task goes on with it.
 *
 * @returns `continued` when another task goes on; undefined when the run has changed meanwhile.
 */
export async function findBoundaries(
  query: Query,
  run: Run,
  ports: Ports,
): Promise<Drawing | 'continued' | undefined> {
  const { store, clock } = ports;
  const startedAt = clock.now();
  let keptAt = startedAt;
  for (let drawing = run.drawing; ;) {
    drawing = await store.drawBoundaries(query, run.shards, drawing);
    if (drawing.search === undefined) return drawing;
    const at = clock.now();
    if (at - keptAt < keepEveryMs) continue;
    keptAt = at;
    const isLate = at - startedAt > (run.timeoutSeconds * 1000) / 2;
    const own = drawing;
    const change = await changeIfSame(run, store, ({ run: now }) => ({
      run: { ...(isLate ? restartRun(now, at) : now), drawing: further(own, now.drawing), updatedAt: at },
    }));
    if (change?.run === undefined) return undefined;
    drawing = change.run.drawing;
    if (!isLate) continue;
    await drainRun(change.run, ports);
    return 'continued';
  }
}

/** Of two searches the one that has come further. A duplicate may have kept its own meanwhile: each step costs reads, and they take the same ones. */
function further(own: Drawing, kept: Drawing | undefined): Drawing {
  return kept !== undefined && kept.reads > own.reads ? kept : own;
}
