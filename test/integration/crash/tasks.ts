import { FieldValue } from '@google-cloud/firestore';
import { z } from 'zod';
import { iterativeTask, task, type IterativeTask, type OneShotTask } from '../../../lib/index.ts';

export const child: OneShotTask<z.ZodObject<{ id: z.ZodString }>> = task({
  name: 'child',
  queue: 'children',
  params: z.object({ id: z.string() }),
  async run({ id }, ctx) {
    await ctx.db.doc(`children/${id}`).set({ starts: FieldValue.increment(1) }, { merge: true });
  },
});

/** Counts, in the same commit as its progress, how often each document took effect. */
export const walk: IterativeTask = iterativeTask({
  name: 'walk',
  queue: 'iterate',
  params: z.object({}),
  query: (_, db) => db.collection('things'),
  pageSize: 10,
  page(documents, ctx) {
    for (const document of documents) {
      ctx.update(document.ref, { visits: FieldValue.increment(1) });
      ctx.start(child, { id: document.id });
    }
  },
  onComplete(ctx) {
    ctx.set(
      ctx.db.doc('reports/walk'),
      { completions: FieldValue.increment(1), processed: ctx.processed },
      { merge: true },
    );
    ctx.start(child, { id: 'of-the-completion' });
  },
});

/** Starts the walk as a task's child does, so that a worker takes the start. */
export const launch: OneShotTask<z.ZodObject> = task({
  name: 'launch',
  queue: 'children',
  params: z.object({}),
  run: (_, ctx) => ctx.start(walk, {}),
});
