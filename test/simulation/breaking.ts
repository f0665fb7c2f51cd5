import type { TurnDelivery } from '../../lib/core/delivery.ts';
import type { Cursor } from '../../lib/core/cursor.ts';
import type { KeyRange } from '../../lib/core/key-range.ts';
import type { OutboxTask } from '../../lib/core/outbox.ts';
import type { OwedCallback } from '../../lib/core/owed.ts';
import type { RunChange, RunRecords, Shard } from '../../lib/core/run.ts';
import type { Ports, RunStore } from '../../lib/ports.ts';
import { changed } from '../support/changed.ts';

/** Ports on a store some of whose methods are others. */
export function withStore(methods: (store: RunStore) => Partial<RunStore>): (ports: Ports) => Ports {
  return (ports) => ({ ...ports, store: changed(ports.store, methods(ports.store)) });
}

/** Ports on which the shard of a turn is read as something else than it is. */
export function readingShards(change: (shard: Shard) => Shard): (ports: Ports) => Ports {
  return withStore((store) => ({
    async readTurn(run, index) {
      const found = await store.readTurn(run, index);
      return found && { ...found, shard: { ...found.shard, value: change(found.shard.value) } };
    },
  }));
}

/** Takes each run for one that has been as it is for ever. */
export function forgettingWhenWritten(store: RunStore): Partial<RunStore> {
  return {
    async readTurn(run, index) {
      const found = await store.readTurn(run, index);
      return found && { ...found, run: { ...found.run, writtenAt: 0 } };
    },
  };
}

/** Ports on which what becomes of a callback that failed is something else; undefined: it is given up. */
export function withOwed(
  change: (after: OwedCallback, before: OwedCallback) => OwedCallback | undefined,
): (ports: Ports) => Ports {
  return withStore((store) => ({
    changeRun: async (run, plan, writes) =>
      await store.changeRun(
        run,
        (found) => {
          const planned = plan(found);
          const [[before], [after, ...others]] = [found.run.owed ?? [], planned?.run?.owed ?? []];
          if (planned?.run === undefined || before === undefined || after?.number !== before.number)
            return planned;
          const next = change(after, before);
          return {
            ...planned,
            run: { ...planned.run, owed: next === undefined ? others : [next, ...others] },
          };
        },
        writes,
      ),
  }));
}

/** Gives what runs owe as it was when somebody looked for the last time, once for each callback. */
export function rememberingOwed(store: RunStore): Partial<RunStore> {
  const seen = owedOf.get(store.db) ?? new Map<string, OwedCallback>();
  owedOf.set(store.db, seen);
  return {
    async getRun(id) {
      const found = await store.getRun(id);
      const [stands] = found?.run.owed ?? [];
      const before = seen.get(id);
      if (stands !== undefined) seen.set(id, stands);
      else seen.delete(id);
      if (found === undefined || stands !== undefined || before === undefined) return found;
      return { ...found, run: { ...found.run, owed: [before] } };
    },
  };
}

const owedOf = new WeakMap<object, Map<string, OwedCallback>>();

/** The delivery that came last, by its shard. */
export const delivered: Map<string, TurnDelivery> = new Map();

/** Gives a shard that stands where the last delivery says. */
export function deliveredTurn(store: RunStore): RunStore['readTurn'] {
  return async (run, index) => {
    const found = await store.readTurn(run, index);
    const { turn, cursor } = delivered.get(`${run}/${index}`) ?? {};
    if (found === undefined || !Array.isArray(cursor) || found.shard.value.turn !== turn) return found;
    const { value } = found.shard;
    const path = cursor.at(-1) as string;
    return {
      ...found,
      shard: {
        ...found.shard,
        value: { ...value, cursor: { path, values: cursor.slice(0, -1), readable: cursor } },
      },
    };
  };
}

/** Ports on which pages are read from other ranges than their shards'. */
export function withRanges(change: (range: KeyRange) => KeyRange): (ports: Ports) => Ports {
  return withStore((store) => ({
    readPage: (query, range, after, limit) => store.readPage(query, change(range), after, limit),
  }));
}

/** Starts pages behind where the last document stands now, instead of where it stood when it was handled. */
export function behindDocument(store: RunStore): Partial<RunStore> {
  return {
    async readPage(query, range, after, limit) {
      if (after === null || after.values.length === 0)
        return await store.readPage(query, range, after, limit);
      const rank: unknown = (await store.db.doc(after.path).get()).get('rank');
      return await store.readPage(query, range, { ...after, values: [rank ?? after.values[0]] }, limit);
    },
  };
}

/** Goes on behind all documents that a page had read, also when its time was up before the last of them was handled. */
export function behindPage(store: RunStore): Partial<RunStore> {
  const ends = endsOf.get(store.db) ?? new Map<string, Cursor>();
  endsOf.set(store.db, ends);
  return {
    async readPage(query, range, after, limit) {
      const page = await store.readPage(query, range, after, limit);
      const last = page.documents.at(-1);
      if (last !== undefined) for (const { ref } of page.documents) ends.set(ref.path, page.positionOf(last));
      return page;
    },
    async commitTurn(run, before, after, writes) {
      const isMoved = after.turn > before.value.turn && after.lastError === undefined;
      const cursor = isMoved ? (ends.get(after.cursor?.path ?? '') ?? after.cursor) : after.cursor;
      return await store.commitTurn(run, before, { ...after, cursor }, writes);
    },
  };
}

const endsOf = new WeakMap<object, Map<string, Cursor>>();

/** Knows nothing of what a search for boundaries has found before. */
export function searchingAnew(store: RunStore): Partial<RunStore> {
  const anew = (found: RunRecords): RunRecords => {
    const { drawing: _, ...run } = found.run;
    return { ...found, run };
  };
  return {
    async getRun(run) {
      const found = await store.getRun(run);
      return found && anew(found);
    },
    changeRun: async (run, change, writes) =>
      await store.changeRun(run, (found) => change(anew(found)), writes),
  };
}

/** Ports whose queue takes some tasks at once, whatever their time. */
export function enqueuedAtOnce(isMeant: (task: OutboxTask) => boolean): (ports: Ports) => Ports {
  return (ports) => ({
    ...ports,
    queue: changed(ports.queue, {
      enqueue(task) {
        const { at: _, ...due } = task;
        return ports.queue.enqueue(isMeant(task) ? due : task);
      },
    }),
  });
}

/** Writes down what pages make of the states before it commits them, and reads them from there. */
export function keepingStates(store: RunStore): Partial<RunStore> {
  const kept = statesOf.get(store.db) ?? new Map<string, string>();
  statesOf.set(store.db, kept);
  return {
    async readTurn(run, index) {
      const found = await store.readTurn(run, index);
      const result = kept.get(`${run}/${index}`);
      if (found === undefined || result === undefined) return found;
      return { ...found, shard: { ...found.shard, value: { ...found.shard.value, result } } };
    },
    async commitTurn(run, before, after, writes) {
      if (after.result !== undefined) kept.set(`${run}/${after.index}`, after.result);
      return await store.commitTurn(run, before, after, writes);
    },
  };
}

/** Counts the failures of children in a number, instead of the children that have failed. */
export function countingFailures(store: RunStore): Partial<RunStore> {
  const counts = failuresOf.get(store.db) ?? new Map<string, number>();
  failuresOf.set(store.db, counts);
  return {
    async endChild(parent, failure) {
      if (failure !== undefined) counts.set(parent.run, (counts.get(parent.run) ?? 0) + 1);
      await store.endChild(parent, failure);
    },
    countFailedChildren: async (run) => counts.get(run) ?? 0,
  };
}

const failuresOf = new WeakMap<object, Map<string, number>>();

const statesOf = new WeakMap<object, Map<string, string>>();

export function beginningTooEarly(store: RunStore): Partial<RunStore> {
  return {
    async changeRun(run, change, writes) {
      const found = await store.getRun(run);
      const follower = found && change(found)?.follower;
      // The run that completes holds the key still.
      if (follower !== undefined) await store.createRun(follower).catch(() => {});
      return await store.changeRun(run, (now) => withoutFollower(change(now)), writes);
    },
  };
}

/** The change without the run that is to follow. */
export function withoutFollower(change: RunChange | undefined): RunChange | undefined {
  if (change === undefined) return undefined;
  const { follower: _, ...others } = change;
  return others;
}

/** Just behind a boundary, where there is one. */
export function behind(boundary: string | null): string | null {
  return boundary === null ? null : `${boundary}\u0001`;
}

/** Keeps children back until the continuation is in its queue. */
export function continuationFirst(queue: Ports['queue']): Ports['queue'] {
  const held: OutboxTask[] = [];
  return {
    has: (task) => queue.has(task),
    async enqueue(task) {
      if (task.worker === 'child') {
        held.push(task);
        return 'created';
      }
      const result = await queue.enqueue(task);
      for (const child of held.splice(0)) await queue.enqueue(child);
      return result;
    },
  };
}
