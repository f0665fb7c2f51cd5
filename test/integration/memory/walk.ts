import { FieldValue, type QueryDocumentSnapshot } from '@google-cloud/firestore';
import { z } from 'zod';
import { iterativeTask, type IterativeTask, type PageContext } from '../../../lib/index.ts';

/** Keeps as many numbers of 8 bytes for each document of its page as that one says. */
function page(documents: readonly QueryDocumentSnapshot[], ctx: PageContext<unknown>): void {
  const kept = documents.map((document) =>
    Array.from({ length: document.get('numbers') as number }).fill(0.5),
  );
  for (const [place, { id }] of documents.entries()) {
    const visit = { visits: FieldValue.increment(1), numbers: kept[place]?.length };
    ctx.set(ctx.db.doc(`visits/${id}`), visit, { merge: true });
  }
}

const definition = {
  queue: 'iterate',
  params: z.object({}),
  query: (_: unknown, db: FirebaseFirestore.Firestore) => db.collection('things'),
  page,
};

/** Asks for more documents at once than its worker has memory for. */
export const many: IterativeTask = iterativeTask({ ...definition, name: 'many', pageSize: 16 });

/** Has the least time that a queue gives, after which an attempt is known not to be heard of. */
export const huge: IterativeTask = iterativeTask({
  ...definition,
  name: 'huge',
  pageSize: 2,
  timeoutSeconds: 15,
  onError: 'quarantine',
});
