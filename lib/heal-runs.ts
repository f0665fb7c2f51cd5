import { changeIfSame } from './change-if-same.ts';
import { callbackTask, keepOwed } from './core/owing.ts';
import { childrenOf, isWalked, overdueAt, restart, restartRun } from './core/control.ts';
import { nextAlone } from './core/outbox.ts';
import { wordOfDead } from './core/last-word.ts';
import { PageturnerError } from './core/errors.ts';
import { needsCare, type Run, type Shard } from './core/run.ts';
import { isStopping } from './core/run-state.ts';
import { told } from './core/told.ts';
import { drain, drainOwed, drainRun } from './drain.ts';
import type { Ports } from './ports.ts';
import { defaultRuntime } from './runtime.ts';
import { enqueueLeftovers, stopRun } from './stop-run.ts';
import { inSpan } from './telemetry/spans.ts';
import { healChildren } from './track-children.ts';

export interface HealReport {
  /** Runs that were looked at: those in which something must happen by itself. */
  readonly seen: number;
  /** Ids of the runs that had come to a stop in some part and go on now. */
  readonly healed: readonly string[];
  /** The runs that could not be looked at or restarted; the next healing tries again. */
  readonly failed: readonly { readonly run: string; readonly message: string }[];
}

/**
 * Finds runs that have died somewhere (the queue was purged, a task deleted or given up, a start or a command died half-way) and has
 * them go on: a chain of pages at its cursor, a preparation, a completion, a pausing or canceling. A part counts as dead when it has
 * been still for `quietSeconds` and the queue does not hold the task that would carry it on. What lives is never doubled, however often
 * and from wherever this is called: a restart takes effect only if nothing has moved since, and makes each older task void.
 *
 * Call it at least every half an hour, so that the queue still knows the names of children that it has had.
 *
 * @param options.quietSeconds 600 unless given: well above what a page and its children take
 * @throws PageturnerError `invalid-parameters`, and what the database throws when the runs cannot be listed. The fault of one run is in the report and keeps no other back.
 */
export async function healRuns(
  options: { readonly quietSeconds?: number } = {},
  ports: Ports = defaultRuntime().ports,
): Promise<HealReport> {
  mustBeGood(options.quietSeconds ?? 600);
  return await inSpan('heal', {}, async (span) => {
    const report = await healAll(options, ports);
    span.setAttributes({
      'pageturner.seen': report.seen,
      'pageturner.healed': report.healed.length,
      'pageturner.failed': report.failed.length,
    });
    return report;
  });
}

/** Of NaN no part is ever still, and of less than nothing each is. */
function mustBeGood(quietSeconds: unknown): void {
  if (typeof quietSeconds === 'number' && Number.isFinite(quietSeconds) && quietSeconds >= 0) return;
  throw new PageturnerError(
    'invalid-parameters',
    `quietSeconds ${told(quietSeconds)}: write seconds from 0 on, such as 600.`,
  );
}

async function healAll(options: { readonly quietSeconds?: number }, ports: Ports): Promise<HealReport> {
  const quietMs = (options.quietSeconds ?? 600) * 1000;
  const healed: string[] = [];
  const failed: { run: string; message: string }[] = [];
  let seen = 0;
  for await (const run of activeRuns(ports)) {
    seen += 1;
    try {
      const attributes = { 'pageturner.task': run.task, 'pageturner.run': run.id };
      const wasDead = await inSpan('heal run', { attributes }, () => heal(run.id, quietMs, ports));
      if (wasDead) healed.push(run.id);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      ports.log.write('ERROR', `The run could not be healed: ${message}`, { task: run.task, run: run.id });
      failed.push({ run: run.id, message });
    }
  }
  return { seen, healed, failed };
}

async function* activeRuns({ store }: Ports): AsyncGenerator<Run> {
  for (let after: string | null = null; ;) {
    const runs: readonly Run[] = await store.listActive(after, pageSize);
    yield* runs;
    const last = runs.at(-1);
    if (last === undefined || runs.length < pageSize) return;
    after = last.id;
  }
}

const pageSize = 100;

/** Whether something of the run was dead. */
async function heal(runId: string, quietMs: number, ports: Ports): Promise<boolean> {
  const found = await ports.store.getRun(runId);
  if (found === undefined) return false;
  const { run, shards } = found;
  // Whoever holds the shard of an exclusive task may be at work, though its queue has given up the task of that.
  const isQuiet = ({ updatedAt, heldUntil = 0 }: Pick<Shard, 'updatedAt' | 'heldUntil'>): boolean =>
    ports.clock.now() - Math.max(updatedAt, heldUntil) >= quietMs;
  let wasDead = isQuiet(run) && (await healCallback(run, ports));
  // A run that waits is never still for long.
  if (run.state === 'completing' && run.waits !== undefined && (await healChildren(run, quietMs, ports)))
    wasDead = true;
  if (run.state === 'running') {
    if (isQuiet(run)) await drainRun(run, ports);
    // A shard that is done and has nothing to enqueue has nothing to do until all have.
    const hasWork = (shard: Shard): boolean =>
      isWalked(found) || shard.state === 'running' || childrenOf(run, shard).length > 0;
    for (const shard of shards) {
      if (hasWork(shard) && isQuiet(shard) && (await healShard(run, shard, ports))) wasDead = true;
    }
    return wasDead;
  }
  if (!isQuiet(run) || !hasMore(run)) return wasDead;
  if (isStopping(run.state)) {
    if (ports.clock.now() < overdueAt(run)) return wasDead;
    await stopRun(runId, { by: 'healer', force: true }, ports);
    return true;
  }
  if (run.state === 'starting' || run.state === 'completing') return (await healRun(run, ports)) || wasDead;
  await enqueueLeftovers(runId, ports);
  return true;
}

/** Whether something must still happen to a run by itself, beside its callbacks. */
function hasMore(run: Run): boolean {
  const { owed: _, ...others } = run;
  return needsCare(others);
}

async function healCallback(run: Run, { store, queue, clock, log }: Ports): Promise<boolean> {
  const next = callbackTask(run);
  const [owed] = run.owed ?? [];
  if (next === undefined || owed === undefined || (await queue.has(next))) return false;
  const epoch = owed.epoch + 1;
  const change = await store.changeRun(run.id, (now) => keepOwed(now.run, owed, clock.now(), { epoch }));
  if (change?.run === undefined) return false;
  await drainOwed(change.run, queue);
  log.write('WARNING', `The task for ${owed.name} had died, and was begun anew`, {
    task: run.task,
    run: run.id,
  });
  return true;
}

async function healShard(run: Run, shard: Shard, ports: Ports): Promise<boolean> {
  const { store, queue, clock, log } = ports;
  const next = shard.outbox.at(-1);
  // Asked after the shard was read: if the chain has moved on since, its task is gone, and the change below finds another epoch or turn.
  if (next !== undefined && (await queue.has(next))) return false;
  const change = await store.changeRun(run.id, (now) => {
    const current = now.shards[shard.index];
    if (now.run.state !== 'running' || current === undefined || !isSame(current, shard)) return undefined;
    const lastWord = wordOfDead(current, current.epoch + 1);
    return { shards: [restart(now.run, { ...current, lastWord }, clock.now())], reliesOn: 'written' };
  });
  for (const restarted of change?.shards ?? []) {
    await drainChain(run, restarted, ports);
    const { index, turn, epoch } = restarted;
    const fields = { task: run.task, run: run.id, shard: index, turn, epoch };
    log.write('WARNING', 'The chain had died, and was restarted at its cursor', fields);
  }
  return change !== undefined;
}

/**
 * Enqueues what a chain has to that was begun anew. It may die again and again, until the queue has forgotten its children: they are dropped
 * once they are enqueued, and before the chain's own task is, so that hardly ever anybody is at work on the shard.
 */
async function drainChain(run: Run, shard: Shard, { store, queue }: Ports): Promise<void> {
  const children = childrenOf(run, shard);
  if (children.length > 0) {
    await drain(children, queue);
    await store.changeRun(run.id, ({ shards }) => {
      const current = shards[shard.index];
      if (current === undefined || !isSame(current, shard)) return undefined;
      return { shards: [{ ...current, outbox: nextAlone(current) }], reliesOn: 'written' };
    });
  }
  await drain(nextAlone(shard), queue);
}

function isSame(a: Shard, b: Shard): boolean {
  const isSameTurn = a.epoch === b.epoch && a.turn === b.turn && a.updatedAt === b.updatedAt;
  return isSameTurn && a.fencingToken === b.fencingToken;
}

/** A preparation or a completion. */
async function healRun(run: Run, ports: Ports): Promise<boolean> {
  const { store, queue, clock, log } = ports;
  const next = run.outbox.at(-1);
  if (next !== undefined && (await queue.has(next))) return false;
  const change = await changeIfSame(run, store, ({ run: now }) => ({
    run: restartRun(now, clock.now()),
    reliesOn: 'written',
  }));
  if (change?.run === undefined) return false;
  await drainRun(change.run, ports);
  log.write('WARNING', `The run had died while it was ${run.state}, and goes on`, {
    task: run.task,
    run: run.id,
    epoch: change.run.epoch,
  });
  return true;
}
