import { FieldValue } from '@google-cloud/firestore';
import { z } from 'zod';
import { iterativeTask, type IterativeTask } from '../../../lib/index.ts';

/** Counts, in the same commit as its progress, how often each document took effect. */
export const visit: IterativeTask = iterativeTask({
  name: 'visit',
  queue: 'iterate',
  params: z.object({}),
  query: (_, db) => db.collection('things'),
  pageSize: 500,
  page(documents, ctx) {
    for (const document of documents) ctx.update(document.ref, { visits: FieldValue.increment(1) });
  },
  onComplete(ctx) {
    ctx.set(
      ctx.db.doc('reports/visit'),
      { completions: FieldValue.increment(1), processed: ctx.processed },
      { merge: true },
    );
  },
});
