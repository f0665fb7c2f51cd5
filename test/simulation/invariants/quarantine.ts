import type { Shard } from '../../../lib/core/run.ts';
import type { SetAside } from '../../../lib/set-aside.ts';
import type { MemoryFirestore } from '../../../lib/testing/memory-firestore.ts';
import { servedPlace, type Place } from '../place.ts';
import type { Observer, Report } from './observer.ts';

/** What the shards of a run count as set aside is what is kept of it, at every moment, and no document was tried less often than is kept. */
export class Quarantine implements Observer {
  readonly #db: MemoryFirestore;
  readonly #report: Report;
  /** How often the user's code has had each document before it, and how often it was kept that it would alone, by run and path. */
  readonly #begun = new Map<string, number>();
  readonly #claimed = new Map<string, (Place | undefined)[]>();

  constructor(db: MemoryFirestore, report: Report) {
    this.#db = db;
    this.#report = report;
  }

  /** The user's code has a document before it. */
  begun(run: string, path: string): void {
    const key = `${run}/${path}`;
    this.#begun.set(key, (this.#begun.get(key) ?? 0) + 1);
  }

  shardWritten(run: string, before: Shard | undefined, { suspect }: Shard): void {
    const isKept =
      before?.suspect?.document === suspect?.document && before?.suspect?.attempts === suspect?.attempts;
    if (suspect === undefined || isKept) return;
    const key = `${run}/${suspect.document}`;
    this.#claimed.set(key, [...(this.#claimed.get(key) ?? []), servedPlace.getStore()]);
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
      const claimed = this.#claimed.get(key) ?? [];
      // Whoever died of a document said so before, once for each death; by chance the process died before it called the code.
      const died = claimed.filter((place) => place?.process.isDead === true).length;
      const had = error.message.startsWith('Nothing was heard')
        ? Math.min(begun + died, claimed.length)
        : begun;
      if (attempts > had) this.#report(`${path} was set aside after ${attempts} attempts, and ${had} had it`);
    }
  }
}
