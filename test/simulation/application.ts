import type { HttpFunction } from '@google-cloud/functions-framework';
import type { DocumentData, Firestore, Query, QueryDocumentSnapshot } from '@google-cloud/firestore';
import { z } from 'zod';
import {
  FatalTaskError,
  iterativeTask,
  repeatTask,
  task,
  worker,
  type HandlerContext,
  type IterativeTask,
  type IterativeTaskDefinition,
  type OneShotTask,
  type Outcome,
  type PageContext,
  type TaskContext,
  type WritesContext,
} from '../../lib/index.ts';
import type { Runtime } from '../../lib/runtime.ts';
import type { Callback, Callbacks } from './invariants/callbacks.ts';
import type { Children } from './children.ts';
import type { Leases } from './invariants/leases.ts';
import type { Standstills } from './invariants/standstills.ts';
import type { Quarantine } from './invariants/quarantine.ts';
import type { Versions } from './invariants/versions.ts';
import type { Waiting } from './invariants/waiting.ts';
import { servedPlace } from './place.ts';
import type { Tempers } from './tempers.ts';
import { startOf, type Walk } from './walk.ts';

/** What the handlers report of themselves: each effect is a record of its own, so that none can hide another. */
export interface Application {
  readonly functions: ReadonlyMap<string, HttpFunction>;
  readonly walk: IterativeTask<NoParams>;
  readonly launch: OneShotTask<NoParams>;
}

type NoParams = z.ZodObject;
type Definition = IterativeTaskDefinition<NoParams, DocumentData, State>;
type Called = HandlerContext & WritesContext & { readonly runId: string };
const noParams: NoParams = z.object({});
/** What a shard's pages carry: the documents that took effect. */
const state = { schema: z.object({ seen: z.array(z.string()) }), initial: { seen: [] }, reduce: joined };
interface State {
  seen: string[];
}
/** With the number of the effect that it is started with, and the instant before which it does not begin. */
const oneDocument = z.object({ run: z.string(), path: z.string(), effect: z.number(), due: z.number() });
type OneDocument = z.output<typeof oneDocument>;
const oneRun = z.object({ run: z.string() });
const oneEvent = z.object({ run: z.string(), callback: z.string() });

/** Which deployment of the code it is: 1, or 2 behind the one that comes during the walk. */
export type Generation = 1 | 2;

/** The world around the handlers. */
export interface Surroundings {
  /** What may go wrong within a handler. */
  readonly step: () => Promise<void>;
  /** A number that was never given before. */
  readonly unique: () => number;
  readonly tempers: Tempers;
  readonly children: Children;
  readonly waiting: Waiting;
  readonly callbacks: Callbacks;
  readonly leases: Leases;
  readonly standstills: Standstills;
  readonly quarantine: Quarantine;
  /** For how long a page is to wait, if it is. */
  readonly waitSeconds: () => number | undefined;
  readonly versions: Versions;
  readonly generation: Generation;
  /** The schema of the parameters, as `paramsOf` makes it. */
  readonly params: NoParams;
  /** Told of a task that begins, with the instant before which it does not. */
  readonly begun: (what: string, due: number) => void;
  /** The time of the process. */
  readonly now: () => number;
}

/** The parameters as a deployment has them. All its processes share the schema: zod compiles each one at its first use. */
export function paramsOf(generation: Generation, tempers: Tempers): NoParams {
  return noParams.refine(() => !tempers.isMisfit(generation), 'must be something else by now');
}

/** The user's code as one process has it. */
export function application(shape: Walk, runtime: Runtime, surroundings: Surroundings): Application {
  const { step, unique, tempers, children, waiting, leases, waitSeconds, versions, generation } =
    surroundings;
  const runChild = async (params: OneDocument, ctx: TaskContext): Promise<Outcome | void> => {
    surroundings.begun(`the child of ${params.path}`, params.due);
    await step();
    const behaviour = children.of(params.path);
    const failure = children.fails(params.path);
    if (failure === 'once') throw new Error('the child fails');
    const times = Number(ctx.idempotencyKey.split('-').at(-1));
    const after = behaviour?.kind === 'repeating' ? behaviour.afterSeconds[times] : undefined;
    if (after !== undefined) return repeatTask({ after });
    waiting.ended(params, failure === 'for good');
    if (failure === 'for good') throw new FatalTaskError('the child fails for good');
  };
  const child = task({ name: 'child', queue: 'children', params: oneDocument, run: runChild });
  const branch = iterativeTask({
    name: 'branch',
    queue: 'iterate',
    params: oneDocument,
    pageSize: 2,
    query: (_, db) => db.collection('twigs'),
    async each({ ref: { path } }, ctx) {
      surroundings.begun(`the branch of ${ctx.params.path}`, ctx.params.due);
      ctx.set(ctx.db.doc(`leaves/${unique()}`), { of: path, run: ctx.runId });
      await step();
      const behaviour = children.of(ctx.params.path);
      if (behaviour?.kind === 'run' && behaviour.isFatal) tempers.failForGood('the branch is rotten');
    },
  });
  const report = task({ name: 'report', queue: 'children', params: oneRun, run: step });
  const tell = task({ name: 'tell', queue: 'children', params: oneEvent, run: step });
  const handle = async (document: QueryDocumentSnapshot, ctx: PageContext<unknown, State>): Promise<void> => {
    const { path } = document.ref;
    surroundings.quarantine.begun(ctx.runId, path);
    if (tempers.isRefused(path)) {
      ctx.quarantine(document, 'the handler refuses it');
      return;
    }
    const effect = unique();
    ctx.set(ctx.db.doc(`effects/${effect}`), { of: path, run: ctx.runId });
    if (shape.hasState) ctx.state.seen.push(path);
    await step();
    await tempers.meet(path, ctx);
    ctx.update(document.ref, { isSeen: true });
    const { due, options } = children.startOf(path, surroundings.now());
    const started = children.of(path)?.kind === 'run' ? branch : child;
    ctx.start(started, { path, run: ctx.runId, effect, due }, options);
    await step();
  };
  const atWork = async (
    { signal }: { readonly signal: AbortSignal },
    work: () => Promise<void>,
  ): Promise<void> => {
    const place = servedPlace.getStore();
    const end = place && surroundings.standstills.begin(place, signal);
    try {
      await work();
    } finally {
      end?.();
    }
  };
  const alone = async (ctx: PageContext<unknown, State>, work: () => Promise<void>): Promise<void> => {
    versions.called(ctx.runId, generation);
    const place = servedPlace.getStore();
    const { fencingToken: token, signal } = ctx;
    if (place === undefined) return await work();
    if (token === undefined) return await atWork(ctx, work);
    const end = leases.begin(place, token, signal);
    try {
      await (leases.keepsApart ? atWork(ctx, work) : work());
      if (!leases.lands(place, token)) throw new Error(`the service outside refuses the token ${token}`);
    } finally {
      end();
    }
  };
  const call = (name: Callback) => async (ctx: Called) => {
    surroundings.callbacks.called(name, ctx.idempotencyKey);
    const told = { run: ctx.runId, callback: name };
    ctx.set(ctx.db.doc(`callbacks/${unique()}`), { ...told, key: ctx.idempotencyKey });
    ctx.start(tell, told);
    await step();
    tempers.meetCallback(name, ctx.idempotencyKey);
  };
  const { pageSize, shards, timeoutSeconds, exclusive, maxFailures, maxQuarantined, onError } = shape;
  const { documentsPerSecond, onOtherVersion } = shape;
  const callbacks = {
    async onStart(ctx: Called) {
      versions.called(ctx.runId, generation);
      await call('onStart')(ctx);
    },
    onPause: call('onPause'),
    onCancel: call('onCancel'),
    onError: { documents: onError, run: call('onError') },
  };
  const throttle = async (): Promise<number | undefined> => {
    await step();
    return waitSeconds();
  };
  const definition: Definition = {
    pageSize,
    shards,
    timeoutSeconds,
    exclusive,
    maxFailures,
    maxQuarantined,
    onError,
    ...(documentsPerSecond === undefined ? {} : { documentsPerSecond }),
    ...(onOtherVersion === undefined ? {} : { onOtherVersion, version: generation }),
    ...(shape.rampWrites === undefined ? {} : { ramp: { writesPerDocument: shape.rampWrites } }),
    ...(onError === 'quarantine' ? { tries: shape.tries } : {}),
    ...(shape.waits ? { throttle } : {}),
    ...(shape.hasState ? { state } : {}),
    ...(shape.hasCallbacks ? callbacks : {}),
    waitForChildren: shape.waitsForChildren,
    name: 'walk',
    queue: 'iterate',
    params: noParams,
    query: (_, db) => queryOf(shape, db),
    ...(shape.handler === 'each'
      ? { each: (document, ctx) => alone(ctx, () => handle(document, ctx)) }
      : {
          page: (documents, ctx) =>
            alone(ctx, async () => {
              for (const document of documents) await handle(document, ctx);
            }),
        }),
    async onComplete(ctx) {
      versions.called(ctx.runId, generation);
      surroundings.callbacks.called('onComplete', ctx.idempotencyKey);
      const { processed, failedChildren, runId } = ctx;
      ctx.set(ctx.db.doc(`completions/${unique()}`), { processed, failedChildren, run: runId });
      ctx.start(report, { run: ctx.runId });
      await atWork(ctx, step);
      tempers.meetCompletion();
    },
  };
  const walk = iterativeTask({ ...definition, params: surroundings.params });
  const launch = task({
    name: 'launch',
    queue: 'children',
    params: noParams,
    run: (_, ctx) => ctx.start(iterativeTask(definition), {}, startOf(shape, surroundings.now())),
  });
  const functions = new Map([
    [child.name, worker(child, () => runtime)],
    [branch.name, worker(branch, () => runtime)],
    [report.name, worker(report, () => runtime)],
    [tell.name, worker(tell, () => runtime)],
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
    case 'downwards':
      return db.collection('things').orderBy('rank', 'desc');
    case 'group':
      return db.collectionGroup('parts');
  }
}

function joined(
  a: { readonly seen: readonly string[] },
  b: { readonly seen: readonly string[] },
): { seen: string[] } {
  return { seen: [...a.seen, ...b.seen] };
}
