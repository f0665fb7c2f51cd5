import { FieldPath, FieldValue, type Firestore, type QueryDocumentSnapshot } from '@google-cloud/firestore';
import { things } from './walk.ts';

/** What a walk comes to without a queue: the same reads and the same writes, in one process, with nothing kept and nothing safe. */
export async function bareLoop(db: Firestore, pageSize: number): Promise<void> {
  let last: QueryDocumentSnapshot | undefined;
  for (;;) {
    const ordered = things(db).orderBy(FieldPath.documentId()).limit(pageSize);
    const { docs } = await (last === undefined ? ordered : ordered.startAfter(last)).get();
    if (docs.length > 0) {
      const batch = db.batch();
      for (const document of docs) batch.update(document.ref, { visits: FieldValue.increment(1) });
      await batch.commit();
    }
    if (docs.length < pageSize) return;
    last = docs.at(-1);
  }
}
