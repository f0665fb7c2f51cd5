import type { DocumentData, Firestore, Query, QueryDocumentSnapshot } from '@google-cloud/firestore';
import type { z } from 'zod';
import type { Callbacks, OnFailed } from './callbacks.ts';
import { checkCommon, refuse } from './check-definition.ts';
import type { CompletionContext, PageContext, TaskContext } from './context.ts';
import type { FailurePolicy, OnError } from './failure-rules.ts';
import type { Outcome } from './outcome.ts';
import { owedNames } from './owed.ts';
import { faultOfPageSize, type PageSize } from './page-size.ts';
import { stateToText, type StateDefinition } from './result.ts';
import { faultOfRepeating, type Repeating } from './repeating.ts';
import { faultOfThrottling, type ThrottleContext, type Wait } from './throttle.ts';
import { faultOfVersion, type OnOtherVersion, type Version } from './version.ts';

interface Common<S extends z.ZodType> {
  /**
   * The task's name, which is also the name of the function that works on it: lower-case letters, digits and hyphens, at most 63,
   * a letter first.
   */
  readonly name: string;
  /** The id of the queue that its tasks go to, unless a start names another. */
  readonly queue: string;
  /** The parameters' schema; parsed where a task is started and again where it runs. Its input must survive JSON. */
  readonly params: S;
  /**
   * Seconds that one invocation may take, 15 to 1800; 60 unless given. Set the function's own timeout to the same: the queue waits
   * that long, and the handler is stopped a tenth earlier, so that the answer still arrives.
   */
  readonly timeoutSeconds?: number;
}

/** What a user writes for a one-shot task. */
export interface TaskDefinition<S extends z.ZodType> extends Common<S> {
  /**
   * Does the work. Called at least once: make it safe to run twice, with `ctx.idempotencyKey` where that helps. Returns nothing
   * (done), `terminateTask(reason)` or `repeatTask({ after })`; throws `FatalTaskError` to end for good, anything else to be called
   * again.
   */
  run(params: z.output<S>, ctx: TaskContext): Outcome | void | Promise<Outcome | void>;
}

/** What a user writes for a walk over a query. Give either `page` or `each`. */
export interface IterativeTaskDefinition<S extends z.ZodType, D extends DocumentData, T = unknown>
  extends Common<S>, Callbacks<z.output<S>> {
  /**
   * What to walk: a collection, a collection group, or what a filter and an order select. No limit, offset or cursor: those are
   * Pageturner's. Called for each page, so it must give the same query each time.
   */
  query(params: z.output<S>, db: Firestore): Query<D>;
  /**
   * Into how many key ranges a run is parted, that advance independently: 1 to 100; 1 unless given. Only for walks in the order of
   * document names (no `orderBy`, no inequality); a run that cannot be parted fails before its first page, and says why.
   */
  readonly shards?: number;
  /**
   * Which form of the code this is; raise it when runs under way must not simply go on with the new one. Any text or number: versions
   * are compared, never ordered. A run keeps the version that it was started with; a task without one takes every run.
   */
  readonly version?: Version;
  /**
   * What a worker of this version does with a run that has other versions only; `pause` unless given.
   *
   * - `pause`: it pauses the run, with the reason; a resume lets this version go on with it.
   * - `fail`: it ends the run `failed`; a retry lets this version go on with it.
   * - `continue`: it goes on with the run.
   */
  readonly onOtherVersion?: OnOtherVersion;
  /**
   * Has another run follow each run that completes, `after` seconds later, with the same parameters, key and shards, until it is told to
   * stop (`stopRepeating`, or `cancelRun` of the current one). A run that fails is followed by none, unless it is retried and completes.
   */
  readonly repeat?: Repeating;
  /** Whether a run counts its documents at the start, so that its progress has an end: a read for each thousand. True unless given. */
  readonly countTotal?: boolean;
  /**
   * Documents a page, 1 to 1000; 100 unless given. Or `{ min, max, seconds }`: the first page has `min`, and from then on each page
   * has as many as fit into `seconds`, never less than `min` or more than `max`.
   */
  readonly pageSize?: PageSize;
  /**
   * Documents that all shards of a run together take in a second, at most: 0.1 to 1,000,000; as many as they can unless given. A page
   * has no more than a second's share of its shard, then, and the shard waits in the queue, not in a worker. A start may name
   * another rate, and `throttleRun` changes it while the run goes on.
   */
  readonly documentsPerSecond?: number;
  /**
   * Whether runs keep to Firestore's rule for writes to keys that had little traffic: 500 a second to begin with, and half as many again
   * every five minutes. `true` counts a write for each document, `{ writesPerDocument }` so many, 1 to 500. It begins anew when a run
   * is resumed. With `documentsPerSecond` the lower of the two holds. False unless given.
   */
  readonly ramp?: boolean | { readonly writesPerDocument: number };
  /**
   * Called before each page: gives the seconds for which the page is to wait, or the instant until which, at most 30 days ahead, and
   * nothing to begin it. When the time has come it is called again. A wait costs a write and a task, holds no worker and is no
   * failure; what it throws is one, as if the handler had thrown it.
   *
   * @example
   * // At night only.
   * throttle: () => (isNight() ? undefined : tonightAt(22)),
   */
  throttle?(ctx: ThrottleContext<z.output<S>>): Wait | Promise<Wait>;
  /**
   * What becomes of a document whose handling fails, other than by `FatalTaskError` or the platform's fault; `retry` unless given.
   *
   * - `retry`: it is tried again; after `maxFailures` failures the run ends `failed`.
   * - `quarantine`: it is tried again; after `tries` failures it is set aside in `pageturnerRuns/{run}/setAside`, and the walk goes on
   *   behind it.
   * - `fail`: the first failure ends the run.
   *
   * Where `page` fails, it is called again with half of the documents, and so on until the one at fault is found: only a failure
   * with a single document counts.
   *
   * A function instead is a callback for the run's own failure, called once each time that it has ended `failed` (see `onPause`); for
   * both write `{ documents: 'quarantine', run(ctx) { … } }`.
   */
  readonly onError?:
    OnError | OnFailed<z.output<S>> | { readonly documents?: OnError; readonly run: OnFailed<z.output<S>> };
  /** How often a document is tried before it is set aside, 1 to 100; 3 unless given. With `onError: 'quarantine'` only. */
  readonly tries?: number;
  /**
   * Failures of the user's code since the last page that took effect, after which the run ends `failed`; 1 to 100, 5 unless given. With
   * `onError: 'quarantine'`, those in a row of what comes before there are documents: documents have their `tries`.
   */
  readonly maxFailures?: number;
  /** Documents that one shard may set aside; the next one ends the run `failed`. 1000 unless given. */
  readonly maxQuarantined?: number;
  /**
   * Whether only one delivery at a time may be at work on a shard, for handlers with effects outside Firestore: the turn is held by a
   * lease from before the handler is called until its commit, its failure, or `timeoutSeconds`. Costs one write more a page.
   */
  readonly exclusive?: boolean;
  /**
   * A value that each shard carries from page to page as `ctx.state`, exactly once with what the pages write; `onComplete` is given those
   * of all shards, reduced to one. At most 256 KiB as JSON.
   */
  readonly state?: StateDefinition<T>;
  /**
   * Whether a run completes only when each task that its pages started has ended: done, failed for good or given up by its queue; an
   * iterative one when its run has ended. `ctx.failedChildren` tells `onComplete` how many did not end well. Costs two writes a child.
   */
  readonly waitForChildren?: boolean;
  /**
   * Handles one page. What it writes and starts through `ctx` takes effect exactly once, all of it together with the cursor or not
   * at all. What it does elsewhere (mail, other services) happens at least once.
   */
  page?(
    documents: readonly QueryDocumentSnapshot<D>[],
    ctx: PageContext<z.output<S>, T>,
  ): void | Promise<void>;
  /** Handles one document, called for each of a page in order; the guarantee is that of `page`. */
  each?(document: QueryDocumentSnapshot<D>, ctx: PageContext<z.output<S>, T>): void | Promise<void>;
  /** Called when no page is left. What it writes and starts through `ctx` takes effect exactly once. */
  onComplete?(ctx: CompletionContext<z.output<S>, T>): void | Promise<void>;
}

export type OneShotTask<S extends z.ZodType = z.ZodType> = Readonly<Required<TaskDefinition<S>>> & {
  readonly kind: 'task';
};

export type IterativeTask<
  S extends z.ZodType = z.ZodType,
  D extends DocumentData = DocumentData,
  T = unknown,
> = Readonly<
  Omit<IterativeTaskDefinition<S, D, T>, 'onError'> &
    Required<
      Pick<IterativeTaskDefinition<S, D, T>, 'shards' | 'countTotal' | 'pageSize' | 'timeoutSeconds'>
    > &
    FailurePolicy & {
      /** The callback of `onError`. */
      readonly onFailed?: OnFailed<z.output<S>>;
    }
> & { readonly kind: 'iterative' };

/** A change of a run's state is a transaction over all its shards. */
export const mostShards = 100;

/** Any task, as the code that starts or delivers it sees it. */
export type AnyTask<S extends z.ZodType = z.ZodType> = OneShotTask<S> | IterativeTask<S>;

/**
 * Declares a one-shot task.
 *
 * @throws PageturnerError `invalid-definition`, when the module loads.
 *
 * @example
 * export const sendMail = task({
 *   name: 'send-mail',
 *   queue: 'mail',
 *   params: z.object({ to: z.email(), template: z.string() }),
 *   async run({ to, template }) {
 *     await transport.sendMail(render(template, to));
 *   },
 * });
 */
export function task<S extends z.ZodType>(definition: TaskDefinition<S>): OneShotTask<S> {
  checkCommon('task', definition);
  if (typeof definition.run !== 'function') refuse(definition, 'has no run: write run(params, ctx) { … }');
  return { ...definition, kind: 'task', timeoutSeconds: definition.timeoutSeconds ?? 60 };
}

/**
 * Declares a walk over every document of a query, one page per Cloud Task.
 *
 * @throws PageturnerError `invalid-definition`, when the module loads.
 *
 * @example
 * export const emailStudents = iterativeTask({
 *   name: 'email-students',
 *   queue: 'iterate',
 *   params: z.object({ program: z.string() }),
 *   query: ({ program }, db) => db.collection('students').where('program', '==', program),
 *   page(students, ctx) {
 *     for (const student of students) ctx.start(sendMail, { to: student.get('email'), template: 'welcome' });
 *   },
 * });
 */
export function iterativeTask<S extends z.ZodType, D extends DocumentData, T = undefined>(
  definition: IterativeTaskDefinition<S, D, T>,
): IterativeTask<S, D, T> {
  checkCommon('iterative', definition);
  if (typeof definition.query !== 'function')
    refuse(definition, 'has no query: write query: (params, db) => db.collection(…)');
  if ((definition.page === undefined) === (definition.each === undefined)) {
    refuse(definition, 'needs exactly one of page(documents, ctx) and each(document, ctx)');
  }
  const { pageSize = 100, shards = 1, countTotal = true, timeoutSeconds = 60 } = definition;
  const fault = faultOfPageSize(pageSize);
  if (fault !== undefined) refuse(definition, fault);
  if (!Number.isInteger(shards) || shards < 1 || shards > mostShards) {
    refuse(definition, `has shards ${shards}: write a whole number from 1 to ${mostShards}`);
  }
  checkState(definition);
  const versionFault = faultOfVersion(definition);
  if (versionFault !== undefined) refuse(definition, versionFault);
  const repeatFault = definition.repeat && faultOfRepeating(definition.repeat);
  if (repeatFault !== undefined) refuse(definition, `has ${repeatFault}`);
  const throttlingFault = faultOfThrottling(definition);
  if (throttlingFault !== undefined) refuse(definition, `has ${throttlingFault}`);
  const filled = { pageSize, shards, countTotal, timeoutSeconds };
  const { documents, run } = splitOnError(definition);
  const policy = failurePolicy({ ...definition, onError: documents });
  return {
    ...definition,
    ...policy,
    ...(run === undefined ? {} : { onFailed: run }),
    ...filled,
    kind: 'iterative',
  };
}

/** What `onError` says of documents, and what of the run. */
function splitOnError<P>(
  definition: Common<z.ZodType> &
    Callbacks<P> & { readonly onError?: unknown; readonly onComplete?: unknown },
): { readonly documents?: OnError; readonly run?: OnFailed<P> } {
  for (const name of ['onStart', ...owedNames.slice(0, 2), 'onComplete'] as const) {
    if (definition[name] === undefined || typeof definition[name] === 'function') continue;
    refuse(definition, `has ${name} ${JSON.stringify(definition[name])}: write ${name}(ctx) { … }`);
  }
  const { onError } = definition;
  if (typeof onError === 'function') return { run: onError as OnFailed<P> };
  if (typeof onError !== 'object' || onError === null)
    return onError === undefined ? {} : { documents: onError as OnError };
  const { documents, run } = onError as { documents?: OnError; run?: OnFailed<P> };
  if (typeof run !== 'function') {
    refuse(
      definition,
      "has an onError without run: write onError: { documents: 'quarantine', run(ctx) { … } }, or only the policy",
    );
  }
  return documents === undefined ? { run } : { documents, run };
}

function checkState<T>(definition: Common<z.ZodType> & { readonly state?: StateDefinition<T> }): void {
  const { name, state } = definition;
  if (state === undefined) return;
  if (typeof state.schema?.safeParse !== 'function' || typeof state.reduce !== 'function') {
    refuse(
      definition,
      'has a state without schema or reduce: write state: { schema, initial, reduce(a, b) { … } }',
    );
  }
  try {
    stateToText(name, state, state.initial);
  } catch (error) {
    refuse(
      definition,
      `has a state.initial that cannot be kept: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function failurePolicy(
  definition: Common<z.ZodType> & { readonly [K in keyof FailurePolicy]?: FailurePolicy[K] | undefined },
): FailurePolicy {
  const { onError = 'retry', tries = 3, maxFailures = 5, maxQuarantined = 1000 } = definition;
  if (!['retry', 'quarantine', 'fail'].includes(onError)) {
    refuse(
      definition,
      `has onError ${JSON.stringify(onError)}: write 'retry', 'quarantine' or 'fail', or a function that is called when a run has failed`,
    );
  }
  if (definition.tries !== undefined && onError !== 'quarantine') {
    refuse(definition, "has tries, which go with onError: 'quarantine'; otherwise write maxFailures");
  }
  const counts = {
    tries: [tries, 100],
    maxFailures: [maxFailures, 100],
    maxQuarantined: [maxQuarantined, 1e6],
  };
  for (const [name, [count = 0, most = 0]] of Object.entries(counts)) {
    if (Number.isInteger(count) && count >= 1 && count <= most) continue;
    refuse(definition, `has ${name} ${count}: write a whole number from 1 to ${most}`);
  }
  return { onError, tries, maxFailures, maxQuarantined };
}
