import type { HttpFunction } from '@google-cloud/functions-framework';
import type { DocumentData, Firestore, Query, QueryDocumentSnapshot } from '@google-cloud/firestore';
import { z } from 'zod';
import {
  iterativeTask,
  task,
  worker,
  type IterativeTask,
  type OneShotTask,
  type PageContext,
} from '../../lib/index.ts';
import type { Runtime } from '../../lib/runtime.ts';

/** Which walk a history has. */
export interface Walk {
  readonly over: 'collection' | 'filter' | 'order' | 'group';
  readonly pageSize: number;
  readonly handler: 'page' | 'each';
  /** Parts of the key space; 1 where the order makes more of them unsound. */
  readonly shards: number;
}

/** What the handlers report of themselves: each effect is a record of its own, so that none can hide another. */
export interface Application {
  readonly functions: ReadonlyMap<string, HttpFunction>;
  readonly walk: IterativeTask<NoParams>;
  readonly launch: OneShotTask<NoParams>;
}

type NoParams = z.ZodObject;
const noParams: NoParams = z.object({});
const oneDocument = z.object({ path: z.string() });

/**
 * The user's code as one process has it.
 *
 * @param step what may go wrong within a handler.
 * @param unique a number that was never given before.
 */
export function application(
  shape: Walk,
  runtime: Runtime,
  { step, unique }: { readonly step: () => Promise<void>; readonly unique: () => number },
): Application {
  const child = task({
    name: 'child',
    queue: 'children',
    params: oneDocument,
    run: step,
  });
  const report = task({ name: 'report', queue: 'children', params: noParams, run: step });
  const handle = async (document: QueryDocumentSnapshot, ctx: PageContext<unknown>): Promise<void> => {
    const { path } = document.ref;
    ctx.set(ctx.db.doc(`effects/${unique()}`), { of: path });
    ctx.update(document.ref, { isSeen: true });
    ctx.start(child, { path });
    await step();
  };
  const walk = iterativeTask<NoParams, DocumentData>({
    name: 'walk',
    queue: 'iterate',
    params: noParams,
    pageSize: shape.pageSize,
    shards: shape.shards,
    query: (_, db) => queryOf(shape, db),
    ...(shape.handler === 'each'
      ? { each: handle }
      : {
          async page(documents, ctx) {
            for (const document of documents) await handle(document, ctx);
          },
        }),
    async onComplete(ctx) {
      ctx.set(ctx.db.doc(`completions/${unique()}`), { processed: ctx.processed });
      ctx.start(report, {});
      await step();
    },
  });
  const launch = task({
    name: 'launch',
    queue: 'children',
    params: noParams,
    run: (_, ctx) => ctx.start(walk, {}),
  });
  const functions = new Map([
    [child.name, worker(child, () => runtime)],
    [report.name, worker(report, () => runtime)],
    [launch.name, worker(launch, () => runtime)],
    [walk.name, worker(walk, () => runtime)],
  ]);
  return { functions, walk, launch };
}

function queryOf({ over }: Walk, db: Firestore): Query {
  switch (over) {
    case 'collection':
      return db.collection('things');
    case 'filter':
      return db.collection('things').where('isWanted', '==', true);
    case 'order':
      return db.collection('things').orderBy('rank');
    case 'group':
      return db.collectionGroup('parts');
  }
}
