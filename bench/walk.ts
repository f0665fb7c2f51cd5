import { FieldValue } from '@google-cloud/firestore';
import { z } from 'zod';
import { iterativeTask, type IterativeTask } from '../lib/index.ts';

export const pageSizes = [10, 100, 500] as const;
export type PageSize = (typeof pageSizes)[number];

/** When the handler of a page was at work, in ms of its process's clock. */
export interface PageTime {
  readonly run: string;
  readonly start: number;
  readonly end: number;
}

type WalkParams = z.ZodObject<{ collection: z.ZodString }>;
const params: WalkParams = z.object({ collection: z.string() });

/** Walks that write each document, and tell when their pages begin and end: one JSON line each, for the bench to read. */
export const walks: Readonly<Record<PageSize, IterativeTask<WalkParams>>> = {
  10: walkBy(10),
  100: walkBy(100),
  500: walkBy(500),
};

function walkBy(pageSize: PageSize): IterativeTask<WalkParams> {
  return iterativeTask({
    name: `bench-walk-${pageSize}`,
    queue: 'iterate',
    params,
    pageSize,
    query: ({ collection }, db) => db.collection(collection),
    page(documents, ctx) {
      const start = performance.now();
      for (const document of documents) ctx.update(document.ref, { visits: FieldValue.increment(1) });
      const time: PageTime = { run: ctx.runId, start, end: performance.now() };
      process.stdout.write(`${JSON.stringify(time)}\n`);
    },
  });
}
