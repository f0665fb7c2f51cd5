import type { VirtualClock } from '../../emulator/engine/virtual-clock.ts';
import type { Cursor } from '../../lib/core/cursor.ts';
import type { Run, Shard } from '../../lib/core/run.ts';
import type { MemoryFirestore } from '../../lib/testing/memory-firestore.ts';
import type { Adversary } from './adversary.ts';
import type { Documents } from './documents.ts';
import type { Observer } from './invariants/observer.ts';
import type { Tempers } from './tempers.ts';
import { isOrdered, type Walk } from './walk.ts';

interface DisturbedWorld {
  readonly clock: VirtualClock;
  readonly adversary: Adversary;
  readonly db: MemoryFirestore;
  readonly documents: Documents;
  readonly walk: Walk;
  readonly runs: () => readonly Run[];
}

/** People change documents while the walk is under way, here and there, where shards part, and where a page in the order of a field starts. */
export function planDisturbances({ clock, adversary, db, documents, walk, runs }: DisturbedWorld): void {
  const { chance } = adversary;
  const startsAt = clock.now();
  for (let n = chance.between(0, 6); n > 0; n -= 1) {
    clock.at(startsAt + chance.between(1, 20_000), () => documents.disturb(n));
  }
  const isByField = isOrdered(walk);
  if (walk.shards === 1 && !isByField) return;
  for (let n = chance.between(0, 4); n > 0; n -= 1) {
    clock.at(startsAt + chance.between(1, 20_000), () => {
      const places = isByField
        ? runs().flatMap(({ id }) => cursorOf(id, db)?.path ?? [])
        : runs().flatMap(({ boundaries }) => boundaries ?? []);
      if (places.length > 0) documents.disturbAt(chance.pick(places));
    });
  }
}

interface OnlookersWorld {
  readonly clock: VirtualClock;
  readonly adversary: Adversary;
  readonly documents: Documents;
  readonly tempers: Tempers;
}

/** Somebody who looks at the runs, sees which documents fail, and sees to it that others stand in their place. */
export class Onlooker implements Observer {
  readonly #world: OnlookersWorld;

  constructor(world: OnlookersWorld) {
    this.#world = world;
  }

  shardWritten(_run: string, before: Shard | undefined, { lastError }: Shard): void {
    const { clock, adversary, documents, tempers } = this.#world;
    const path = lastError?.document;
    // Not of the runs that are children, whose documents nobody touches.
    if (path === undefined || !documents.lasting.has(path)) return;
    if (lastError?.at === before?.lastError?.at || !adversary.strikes('reaction')) return;
    // Before the queue tries it again.
    clock.at(clock.now() + adversary.chance.between(1, 99), () => {
      const other = documents.replace(path);
      if (other !== undefined) tempers.copy(path, other);
    });
  }
}

/** Where the first shard stands. */
function cursorOf(run: string, db: MemoryFirestore): Cursor | null | undefined {
  return db.read(`pageturnerRuns/${run}/shards/0`).get('cursor') as Cursor | null | undefined;
}
