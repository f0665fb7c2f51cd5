import type { Shard } from '../../../lib/core/run.ts';
import type { SetAside } from '../../../lib/set-aside.ts';
import type { MemoryFirestore } from '../../../lib/testing/memory-firestore.ts';
import type { Observer, Report } from './observer.ts';

/** What the shards of a run count as set aside is what is kept of it, at every moment, and no document was tried less often than is kept. */
export class Quarantine implements Observer {
  readonly #db: MemoryFirestore;
  readonly #report: Report;
  /** How often the user's code has had each document before it, and how often it was kept that it would alone, by run and path. */
  readonly #begun = new Map<string, number>();
  readonly #claimed = new Map<string, number>();

  constructor(db: MemoryFirestore, report: Report) {
    this.#db = db;
    this.#report = report;
  }

  /** The user's code has a document before it. */
  begun(run: string, path: string): void {
    count(this.#begun, `${run}/${path}`);
  }

  shardWritten(run: string, before: Shard | undefined, { suspect }: Shard): void {
    const isKept =
      before?.suspect?.document === suspect?.document && before?.suspect?.attempts === suspect?.attempts;
    if (suspect !== undefined && !isKept) count(this.#claimed, `${run}/${suspect.document}`);
  }

  settled(run: string): void {
    const shards = this.#db.documentsIn([`pageturnerRuns/${run}/shards`]);
    const counted = shards.reduce((sum, shard) => sum + (shard.get('quarantined') as number), 0);
    const kept = this.#db
      .documentsIn([`pageturnerRuns/${run}/setAside`])
      .map((entry) => entry.data() as SetAside);
    if (counted !== kept.length)
      this.#report(`${counted} documents are counted as set aside, and ${kept.length} are kept`);
    for (const { path, attempts, error } of kept) {
      const key = `${run}/${path}`;
      const begun = this.#begun.get(key) ?? 0;
      // Whoever died of a document said so before, once for each death.
      const had = error.message.startsWith('Nothing was heard')
        ? Math.min(begun, this.#claimed.get(key) ?? 0)
        : begun;
      if (attempts > had) this.#report(`${path} was set aside after ${attempts} attempts, and ${had} had it`);
    }
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
