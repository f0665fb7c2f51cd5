import type { MemoryFirestore } from '../../../lib/testing/memory-firestore.ts';
import type { Observer, Report } from './observer.ts';

/** What the shards of a run count as set aside is what is kept of it, at every moment. */
export class Quarantine implements Observer {
  readonly #db: MemoryFirestore;
  readonly #report: Report;

  constructor(db: MemoryFirestore, report: Report) {
    this.#db = db;
    this.#report = report;
  }

  settled(run: string): void {
    const shards = this.#db.documentsIn([`pageturnerRuns/${run}/shards`]);
    const counted = shards.reduce((sum, shard) => sum + (shard.get('quarantined') as number), 0);
    const kept = this.#db.documentsIn([`pageturnerRuns/${run}/setAside`]).length;
    if (counted !== kept) this.#report(`${counted} documents are counted as set aside, and ${kept} are kept`);
  }
}
