import { FieldValue } from '@google-cloud/firestore';
import { z } from 'zod';
import { iterativeTask, type IterativeTask } from '../../../lib/index.ts';

/** Numbers that a handler keeps for each document of its page: 20 MB. */
const numbers = 2_500_000;

/** Asks for more documents at once than its worker has memory for. */
export const walk: IterativeTask = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  query: (_, db) => db.collection('things'),
  pageSize: 16,
  page(documents, ctx) {
    const kept = documents.map(() => Array.from({ length: numbers }).fill(0.5));
    for (const [place, { id }] of documents.entries())
      ctx.set(
        ctx.db.doc(`visits/${id}`),
        { visits: FieldValue.increment(1), numbers: kept[place]?.length },
        { merge: true },
      );
  },
});
