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
import type { Leases } from './invariants/leases.ts';
import { servedPlace } from './place.ts';
import type { Tempers } from './tempers.ts';
import type { Walk } from './walk.ts';

/** What the handlers report of themselves: each effect is a record of its own, so that none can hide another. */
export interface Application {
  readonly functions: ReadonlyMap<string, HttpFunction>;
  readonly walk: IterativeTask<NoParams>;
  readonly launch: OneShotTask<NoParams>;
}

type NoParams = z.ZodObject;
const noParams: NoParams = z.object({});
const oneDocument = z.object({ run: z.string(), path: z.string() });
const oneRun = z.object({ run: z.string() });

/** The world around the handlers. */
export interface Surroundings {
  /** What may go wrong within a handler. */
  readonly step: () => Promise<void>;
  /** A number that was never given before. */
  readonly unique: () => number;
  readonly tempers: Tempers;
  readonly leases: Leases;
  /** For how long a page is to wait, if it is. */
  readonly waitSeconds: () => number | undefined;
}

/** The user's code as one process has it. */
export function application(
  shape: Walk,
  runtime: Runtime,
  { step, unique, tempers, leases, waitSeconds }: Surroundings,
): Application {
  const child = task({ name: 'child', queue: 'children', params: oneDocument, run: step });
  const report = task({ name: 'report', queue: 'children', params: oneRun, run: step });
  const handle = async (document: QueryDocumentSnapshot, ctx: PageContext<unknown>): Promise<void> => {
    const { path } = document.ref;
    if (tempers.isRefused(path)) {
      ctx.quarantine(document, 'the handler refuses it');
      return;
    }
    ctx.set(ctx.db.doc(`effects/${unique()}`), { of: path, run: ctx.runId });
    ctx.update(document.ref, { isSeen: true });
    ctx.start(child, { path, run: ctx.runId });
    await step();
    await tempers.meet(path, ctx.signal);
    await step();
  };
  const alone = async (ctx: PageContext<unknown>, work: () => Promise<void>): Promise<void> => {
    const place = servedPlace.getStore();
    const { fencingToken: token, signal } = ctx;
    if (place === undefined || token === undefined) return await work();
    const end = leases.begin(place, token, signal);
    try {
      await work();
      if (!leases.lands(place, token)) throw new Error(`the service outside refuses the token ${token}`);
    } finally {
      end();
    }
  };
  const { over: _, handler, mostWrites: __, maxAttempts: ___, isKeyed: ____, ...others } = shape;
  const { tries, waits, ...definition } = others;
  const throttle = async (): Promise<number | undefined> => {
    await step();
    return waitSeconds();
  };
  const walk = iterativeTask<NoParams, DocumentData>({
    ...definition,
    ...(shape.onError === 'quarantine' ? { tries } : {}),
    ...(waits ? { throttle } : {}),
    name: 'walk',
    queue: 'iterate',
    params: noParams,
    query: (_, db) => queryOf(shape, db),
    ...(handler === 'each'
      ? { each: (document, ctx) => alone(ctx, () => handle(document, ctx)) }
      : {
          page: (documents, ctx) =>
            alone(ctx, async () => {
              for (const document of documents) await handle(document, ctx);
            }),
        }),
    async onComplete(ctx) {
      ctx.set(ctx.db.doc(`completions/${unique()}`), { processed: ctx.processed, run: ctx.runId });
      ctx.start(report, { run: ctx.runId });
      await step();
      tempers.meetCompletion();
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
