import type { Shard } from '../core/run.ts';
import type { CommitResult, Ports, RunStore, Versioned } from '../ports.ts';
import { instruments, type Labels } from './instruments.ts';
import { inSpan } from './spans.ts';

/** The round trips to the database, by what they are for. What is not here has no span. */
const spans: Readonly<Partial<Record<keyof RunStore, string>>> = {
  readTurn: 'read',
  getRun: 'read',
  readPage: 'query',
  readSetAside: 'query',
  count: 'query',
  drawBoundaries: 'query',
  holdTurn: 'commit',
  commitTurn: 'commit',
  changeRun: 'commit',
  createRun: 'commit',
  recordFailure: 'commit',
};

/**
 * The ports for one delivery: each round trip to the database in a span, and what its commits changed counted. Counted is what is known
 * to have taken effect; a process that dies between commit and count loses the count, so the run's records are for accounts and these
 * for graphs.
 */
export function observedPorts(ports: Ports, labels: Labels): Ports {
  const startedAt = ports.clock.now();
  const store = new Proxy(ports.store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const call = async (...args: readonly unknown[]): Promise<unknown> => {
        const result: unknown = await value.apply(target, args);
        if (name === 'commitTurn' && result === 'committed') {
          const [, before, after] = args as Parameters<RunStore['commitTurn']>;
          countCommit(before, after, labels, ports.clock.now() - startedAt);
        }
        if ((result as CommitResult) === 'conflict') instruments().conflicts.add(1, { ...labels });
        return result;
      };
      const span = spans[name as keyof RunStore];
      if (span === undefined) return value.bind(target);
      return (...args: readonly unknown[]) =>
        inSpan(span, { attributes: { 'pageturner.call': String(name) } }, () => call(...args));
    },
  });
  return { ...ports, store };
}

/** A commit that does not move the shard to its next turn keeps a failure, say, and no page. */
function countCommit(before: Versioned<Shard>, after: Shard, labels: Labels, tookMs: number): void {
  const from = before.value;
  if (after.turn === from.turn) return;
  const { processed, quarantined, pages, started, pageSeconds } = instruments();
  const attributes = { ...labels };
  processed.add(after.processed - from.processed, attributes);
  // Fewer, when documents that had been set aside are taken again.
  quarantined.add(Math.max(0, after.quarantined - from.quarantined), attributes);
  pages.add(after.pages - from.pages, attributes);
  started.add(after.started - from.started, attributes);
  pageSeconds.record(tookMs / 1000, attributes);
}
