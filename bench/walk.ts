import { FieldValue, type Firestore, type Query } from '@google-cloud/firestore';
import { z } from 'zod';
import { iterativeTask, type IterativeTask } from '../lib/index.ts';

export const collection = 'things';
export const pageSizes = [10, 100, 500] as const;

export function things(db: Firestore): Query {
  return db.collection(collection);
}

/** Tells when its pages begin and end, one JSON line each, for the bench to read. */
export const walks: readonly IterativeTask[] = pageSizes.map((pageSize) =>
  iterativeTask({
    name: `bench-walk-${pageSize}`,
    queue: 'iterate',
    params: z.object({}),
    pageSize,
    query: (_, db) => things(db),
    page(documents, ctx) {
      const start = performance.now();
      for (const document of documents) ctx.update(document.ref, { visits: FieldValue.increment(1) });
      process.stdout.write(`${JSON.stringify({ run: ctx.runId, start, end: performance.now() })}\n`);
    },
  }),
);
