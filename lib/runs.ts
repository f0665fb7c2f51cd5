import { sumOf, type EffectsReport } from './core/effects-report.ts';
import type { ErrorRecord } from './core/errors.ts';
import { isRunId } from './core/names.ts';
import { paceOf, waitingUntil } from './core/pace.ts';
import type { Json } from './core/parameters.ts';
import type { Run, Shard, ShardState } from './core/run.ts';
import type { HistoryEntry } from './core/history.ts';
import type { Repeating } from './core/repeating.ts';
import type { RunState } from './core/run-state.ts';
import type { Version } from './core/version.ts';
import type { RunStore } from './ports.ts';
import { defaultStore } from './runtime.ts';

/** An error as people see it: its time is a Date, as every other one is. */
export type ErrorSummary = Omit<ErrorRecord, 'at'> & { readonly at: Date };

/** A run as people see it. */
export interface RunSummary {
  readonly id: string;
  readonly task: string;
  readonly state: RunState;
  readonly params: Json;
  readonly startedBy: string;
  /** The versions of its task that may work on it, the one that was let last. */
  readonly versions?: readonly Version[];
  /** The version of the worker that stopped it, which a resume or a retry lets work on it. */
  readonly offeredVersion?: Version;
  /** Of its task's runs with this key, one at a time may not have ended. */
  readonly key?: string;
  /** Another run follows when it has completed, so many seconds later. */
  readonly repeat?: Repeating;
  /** Documents that its shards together take in a second, at most; undefined without a limit. */
  readonly throttledTo?: number;
  /** The first run of those that followed one another, unless it is that itself; and the run that followed it. */
  readonly repeatOf?: string;
  readonly nextRun?: string;
  /** Whether nothing that its handlers ask for is done. */
  readonly dryRun: boolean;
  /** Of a dry run: what its handlers have asked for so far. */
  readonly report?: EffectsReport;
  readonly createdAt: Date;
  readonly endedAt?: Date;
  /** Documents that the query had when the run began; undefined before that, and where they are not counted. */
  readonly total?: number;
  /** Documents handled so far. */
  readonly processed: number;
  readonly pages: number;
  /** Documents set aside. */
  readonly quarantined: number;
  /** Child tasks started by its pages. */
  readonly started: number;
  /** What the states of its shards came to; once completed, for a task with `state`. */
  readonly result?: Json;
  /**
   * Documents dealt with for each second of its walk, the time in which it stood still not counted; to three digits. Undefined before
   * the first page.
   */
  readonly documentsPerSecond?: number;
  /**
   * Seconds until its last document at that rate, or at the one that it is throttled to if that is lower, and after what it waits;
   * undefined without a total, and unless it is running.
   */
  readonly secondsLeft?: number;
  /**
   * The first instant at which one of its pages may begin, where each shard that goes on waits; while it is starting, the one that it was
   * to wait for. It may be past.
   */
  readonly waitsUntil?: Date;
  /** While it is pausing or canceling: until when what is under way is waited for at most. */
  readonly stopsBy?: Date;
  /** The error that ended the run, or else the last one that a shard has not got over. */
  readonly lastError?: ErrorSummary;
  /** Tasks that its pages started and that did not end well; once completed, with `waitForChildren`. */
  readonly failedChildren?: number;
  /** The last failure of a callback (`onPause`, `onCancel`, `onError`), which leaves the run as it is. */
  readonly callbackError?: ErrorSummary & { readonly callback: string };
  /** What happened to it, the newest last; at most the last 50. */
  readonly history: readonly (Omit<HistoryEntry, 'at'> & { readonly at: Date })[];
  readonly shards: readonly ShardSummary[];
}

export interface ShardSummary {
  readonly index: number;
  readonly state: ShardState;
  readonly turn: number;
  readonly epoch: number;
  readonly cursor: Json;
  /** Documents handled so far. */
  readonly processed: number;
  readonly pages: number;
  /** Documents set aside. */
  readonly quarantined: number;
  /** Child tasks started by its pages. */
  readonly started: number;
  /** Failures of the handler since the last page that took effect. */
  readonly failures: number;
  /** The instant before which its next page does not begin, where it waits; it may be past. */
  readonly waitsUntil?: Date;
  /** When it last moved: by a page, a failure, a command or the healer. */
  readonly updatedAt: Date;
  /** The last failure, until a page succeeds. */
  readonly lastError?: ErrorSummary;
}

/**
 * One run with its shards, or undefined if there is none of that id.
 *
 * @throws PageturnerError `misconfigured`, and what the database throws.
 */
export async function getRun(
  runId: string,
  store: RunStore = defaultStore(),
): Promise<RunSummary | undefined> {
  const found = isRunId(runId) ? await store.getRun(runId) : undefined;
  return found === undefined ? undefined : summarize(found.run, found.shards);
}

/**
 * The newest runs first, with their shards.
 *
 * @param filter.task only the runs of this task
 * @param filter.limit how many, 20 unless given
 */
export async function listRuns(
  filter: { readonly task?: string; readonly limit?: number } = {},
  store: RunStore = defaultStore(),
): Promise<readonly RunSummary[]> {
  const runs = await store.listRuns({ limit: 20, ...filter });
  const summaries = await Promise.all(runs.map(async (run) => await getRun(run.id, store)));
  return summaries.filter((summary) => summary !== undefined);
}

function summarize(run: Run, shards: readonly Shard[]): RunSummary {
  const sum = (count: (shard: Shard) => number): number =>
    shards.reduce((total, shard) => total + count(shard), 0);
  const stopsBy = run.outbox.find(({ delivery }) => delivery.kind === 'settle')?.at;
  const lastError = run.error ?? shards.map((shard) => shard.lastError).find((error) => error !== undefined);
  return {
    id: run.id,
    task: run.task,
    state: run.state,
    params: JSON.parse(run.params) as Json,
    startedBy: run.startedBy,
    ...(run.versions === undefined ? {} : { versions: run.versions }),
    ...(run.offeredVersion === undefined ? {} : { offeredVersion: run.offeredVersion }),
    ...(run.key === undefined ? {} : { key: run.key }),
    ...(run.repeat === undefined ? {} : { repeat: { after: run.repeat.after } }),
    ...(run.documentsPerSecond === undefined ? {} : { throttledTo: run.documentsPerSecond }),
    ...(run.repeatOf === undefined ? {} : { repeatOf: run.repeatOf }),
    ...(run.nextRun === undefined ? {} : { nextRun: run.nextRun }),
    dryRun: run.isDryRun === true,
    ...(run.isDryRun === true ? { report: sumOf([...shards.map((shard) => shard.report), run.report]) } : {}),
    createdAt: new Date(run.createdAt),
    ...(run.endedAt === undefined ? {} : { endedAt: new Date(run.endedAt) }),
    ...(run.total === undefined ? {} : { total: run.total }),
    processed: sum((shard) => shard.processed),
    pages: sum((shard) => shard.pages),
    quarantined: sum((shard) => shard.quarantined),
    started: sum((shard) => shard.started),
    ...(run.result === undefined ? {} : { result: JSON.parse(run.result) as Json }),
    ...paceOf({ run, shards }),
    ...waitOf(waitingUntil({ run, shards })),
    ...(stopsBy === undefined ? {} : { stopsBy: new Date(stopsBy) }),
    ...(lastError === undefined ? {} : { lastError: withDate(lastError) }),
    ...(run.failedChildren === undefined ? {} : { failedChildren: run.failedChildren }),
    ...(run.callbackError === undefined ? {} : { callbackError: withDate(run.callbackError) }),
    history: run.history.map(withDate),
    shards: shards.map((shard) => summarizeShard(shard)),
  };
}

function withDate<T extends { readonly at: number }>(kept: T): Omit<T, 'at'> & { readonly at: Date } {
  return { ...kept, at: new Date(kept.at) };
}

function waitOf(until: number | undefined): { readonly waitsUntil?: Date } {
  return until === undefined ? {} : { waitsUntil: new Date(until) };
}

function summarizeShard(shard: Shard): ShardSummary {
  const { index, state, turn, epoch, processed, pages, quarantined, started, failures, lastError } = shard;
  return {
    ...waitOf(state === 'running' ? shard.notBefore : undefined),
    index,
    state,
    turn,
    epoch,
    cursor: shard.cursor?.readable ?? null,
    processed,
    pages,
    quarantined,
    started,
    failures,
    updatedAt: new Date(shard.updatedAt),
    ...(lastError === undefined ? {} : { lastError: withDate(lastError) }),
  };
}
