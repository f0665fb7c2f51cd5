import { setTimeout } from 'node:timers/promises';
import { FieldValue } from '@google-cloud/firestore';
import { z } from 'zod';
import { iterativeTask, task, type IterativeTask, type OneShotTask } from '../lib/index.ts';

export const pageSizes = [10, 100, 500] as const;
export type PageSize = (typeof pageSizes)[number];

/** When the handler of a page was at work, in ms of its process's clock. */
export interface PageTime {
  readonly run: string;
  readonly start: number;
  readonly end: number;
}

type WalkParams = z.ZodObject<{
  collection: z.ZodString;
  waitMs: z.ZodDefault<z.ZodNumber>;
  children: z.ZodDefault<z.ZodNumber>;
}>;
const params: WalkParams = z.object({
  collection: z.string(),
  /** How long the handler of a page waits, as for another service. */
  waitMs: z.number().default(0),
  /** Child tasks that each page starts. */
  children: z.number().default(0),
});

export const child: OneShotTask<z.ZodObject> = task({
  name: 'bench-child',
  queue: 'iterate',
  params: z.object({}),
  run: () => {},
});

/** How a walk of the bench differs from others. */
export interface WalkKind {
  readonly pageSize: PageSize;
  readonly shards?: number;
  readonly isExclusive?: boolean;
}

export const walkKinds: readonly WalkKind[] = [
  ...pageSizes.map((pageSize) => ({ pageSize })),
  { pageSize: 100, shards: 8 },
  { pageSize: 10, isExclusive: true },
];

export function walkName({ pageSize, shards = 1, isExclusive = false }: WalkKind): string {
  return `bench-walk-${pageSize}-${shards}${isExclusive ? '-exclusive' : ''}`;
}

/** Walks that write each document, and tell when their pages begin and end: one JSON line each, for the bench to read. */
export const walks: ReadonlyMap<string, IterativeTask<WalkParams>> = new Map(
  walkKinds.map((kind) => [walkName(kind), walkOf(kind)]),
);

function walkOf(kind: WalkKind): IterativeTask<WalkParams> {
  return iterativeTask({
    name: walkName(kind),
    queue: 'iterate',
    params,
    pageSize: kind.pageSize,
    shards: kind.shards ?? 1,
    exclusive: kind.isExclusive ?? false,
    query: ({ collection }, db) => db.collection(collection),
    async page(documents, ctx) {
      const start = performance.now();
      if (ctx.params.waitMs > 0) await setTimeout(ctx.params.waitMs);
      for (const document of documents) ctx.update(document.ref, { visits: FieldValue.increment(1) });
      for (let n = 0; n < ctx.params.children; n += 1) ctx.start(child, {});
      const time: PageTime = { run: ctx.runId, start, end: performance.now() };
      process.stdout.write(`${JSON.stringify(time)}\n`);
    },
  });
}
