import type { Run, RunRecords, Shard } from '../../../lib/core/run.ts';
import type { RunStore } from '../../../lib/ports.ts';
import type { MemoryFirestore } from '../../../lib/testing/memory-firestore.ts';
import { changed } from '../../support/changed.ts';

/** Sees each write of a run that takes effect, whoever makes it, and what it made of what stood there. */
export interface Observer {
  runWritten?(before: Run | undefined, after: Run): void;
  shardWritten?(run: string, before: Shard | undefined, after: Shard): void;
  /** A page's commit that the database refuses, with the code that it gives. */
  pageRefused?(run: string, shard: number, code: unknown): void;
  /** Behind all that was written together. */
  settled?(run: string): void;
}

/** A field of a run as it stands. */
export type ReadRun = <K extends keyof Run>(id: string, field: K) => Run[K];

/** How a broken promise is told. */
export type Report = (breach: string) => void;

/** The store with observers. They stand behind all that goes wrong on the way, so what they see is what is stored. */
export function observed(store: RunStore, db: MemoryFirestore, observers: readonly Observer[]): RunStore {
  const shardOf = (run: string, index: number): Shard | undefined =>
    db.read(`pageturnerRuns/${run}/shards/${index}`).data() as Shard | undefined;
  const wrote = (run: string, before: Shard | undefined, after: Shard): void => {
    for (const observer of observers) observer.shardWritten?.(run, before, after);
  };
  const settled = (run: string): void => {
    for (const observer of observers) observer.settled?.(run);
  };
  return changed(store, {
    async createRun(run) {
      const result = await store.createRun(run);
      if (result === 'created') for (const observer of observers) observer.runWritten?.(undefined, run);
      return result;
    },
    async holdTurn(run, before, after) {
      const stored = shardOf(run, after.index);
      const result = await store.holdTurn(run, before, after);
      if (result !== 'conflict') wrote(run, stored, after);
      return result;
    },
    async commitTurn(run, before, after, writes) {
      const stored = shardOf(run, after.index);
      try {
        const result = await store.commitTurn(run, before, after, writes);
        if (result === 'conflict') return result;
        wrote(run, stored, after);
        settled(run);
        return result;
      } catch (error) {
        const { code } = error as { readonly code?: unknown };
        for (const observer of observers) observer.pageRefused?.(run, after.index, code);
        throw error;
      }
    },
    async changeRun(run, change, writes) {
      let before: RunRecords | undefined;
      // What it is made of the last time stands there until it is written.
      const result = await store.changeRun(run, (found) => change((before = found)), writes);
      if (result === undefined) return result;
      if (result.run !== undefined) {
        for (const observer of observers) observer.runWritten?.(before?.run, result.run);
      }
      const { follower } = result;
      if (follower !== undefined)
        for (const observer of observers) observer.runWritten?.(undefined, follower);
      for (const after of result.shards ?? []) wrote(run, before?.shards[after.index], after);
      settled(run);
      return result;
    },
  });
}
