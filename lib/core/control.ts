import { clocksDifferByMs } from './clocks.ts';
import { PageturnerError, type ErrorRecord } from './errors.ts';
import type { OutboxTask } from './outbox.ts';
import { withVersion, type Run, type RunChange, type RunRecords, type Shard } from './run.ts';
import { permits, transition, type Cause } from './transition.ts';
import { isStopping, type RunState } from './run-state.ts';
import { finishTask, runTask, turnTask } from './turn-rules.ts';

export type Command = 'pause' | 'resume' | 'cancel' | 'retry';

/** The states in which a run already is as a command asks. */
const asAsked: Readonly<Record<Command, readonly RunState[]>> = {
  pause: ['pausing', 'paused'],
  resume: ['starting', 'running', 'completing'],
  cancel: ['canceling', 'canceled'],
  retry: ['starting', 'running', 'completing'],
};

/** A worker that has had its time, and this much more for its commit, has stopped. */
const graceMs = 5_000;

/** Milliseconds after which every worker has stopped that was at work when the run was told to stop. */
function timeToStop({ timeoutSeconds }: Run): number {
  return timeoutSeconds * 1000 + graceMs;
}

/** When a run that is to stand still has had all the time that its workers may take for it, by whoever's clock. */
export function overdueAt(run: Run): number {
  return run.updatedAt + timeToStop(run) + clocksDifferByMs;
}

/**
 * What a command makes of a run; undefined when the run is as asked already. The run's epoch rises, so that what the run itself was
 * about to do is void.
 *
 * @throws PageturnerError `invalid-state`.
 */
export function command({ run, shards }: RunRecords, asked: Command, cause: Cause): RunChange | undefined {
  if (asAsked[asked].includes(run.state)) return undefined;
  if (run.nextRun !== undefined && !permits(run.state, asked)) {
    const { id, state, nextRun } = run;
    throw new PageturnerError('invalid-state', `Run ${id} is ${state}, and run ${nextRun} has followed it.`);
  }
  const after = renewed(takeOn(transition(run, asked, cause), asked), cause.at);
  const { error: _, drawing: __, walking: ___, ...goingOn } = { ...withoutCut(after), hasLeftovers: false };
  if (after.state === 'starting') return { run: withNext(goingOn, runTask(after, 'prepare', run.at)) };
  if (after.state === 'running') {
    const still = shards.filter((shard) => shard.state !== 'running');
    return { run: withNext(goingOn), shards: still.map((shard) => restart(after, shard, cause.at)) };
  }
  if (!isStopping(after.state)) return { run: withNext(after), reliesOn: 'written' };
  const settleAt = cause.at + timeToStop(run);
  const waiting = shards.filter((shard) => isWaiting(shard, cause.at));
  const cut = run.state === 'completing' ? { cutCompletion: run.epoch } : {};
  return {
    run: { ...withNext(after, runTask(after, 'settle', settleAt)), ...cut },
    shards: waiting.map((shard) => parked(shard, cause.at)),
  };
}

/** Whether its chain waits for its time, which may be far, and nobody is at work on it. (Somebody may have dispatched its task by hand.) */
function isWaiting({ state, notBefore = 0, heldUntil = 0 }: Shard, now: number): boolean {
  return state === 'running' && notBefore > now + clocksDifferByMs && heldUntil <= now;
}

/** Whoever has a run go on that a worker of another version had stopped lets that version work on it. */
function takeOn({ offeredVersion, ...run }: Run, asked: Command): Run {
  if (offeredVersion === undefined) return run;
  if (asked !== 'resume' && asked !== 'retry') return { ...run, offeredVersion };
  return { ...run, ...withVersion(run, offeredVersion) };
}

/** The shards that still run, parked: no page of theirs can take effect any more. What their last pages started stays to be enqueued. */
export function parkAll({ shards }: RunRecords, now: number): RunChange {
  return { shards: shards.filter(({ state }) => state === 'running').map((shard) => parked(shard, now)) };
}

/**
 * One shard parked by the delivery that would have taken its next turn, whose being there shows that all which the shard had to
 * enqueue is enqueued. Undefined when the run is not to stand still, or the shard is not as that delivery read it: somebody has taken its
 * turn since, or the lease of it.
 */
export function parkOne({ run, shards }: RunRecords, read: Shard, now: number): RunChange | undefined {
  const shard = shards[read.index];
  if (!isStopping(run.state) || shard?.state !== 'running') return undefined;
  if (shard.epoch !== read.epoch || shard.turn !== read.turn) return undefined;
  if (shard.fencingToken !== read.fencingToken) return undefined;
  return { shards: [{ ...parked(shard, now), outbox: [] }], reliesOn: 'written' };
}

/**
 * The run come to a stand, when each of its shards has; else undefined. To be called when all that the shards started is enqueued:
 * their outboxes are emptied, since after a long pause the queue would have forgotten the names in them, and take them a second time.
 *
 * @param hasLeftovers whether something could not be enqueued: then it stays for the healer
 */
export function stopped(
  { run, shards }: RunRecords,
  cause: Cause,
  hasLeftovers = false,
): RunChange | undefined {
  if (!isStopping(run.state) || shards.some(({ state }) => state === 'running')) return undefined;
  const still = withNext(renewed(withoutCut(transition(run, 'stopped', cause)), cause.at));
  return hasLeftovers ? { run: { ...still, hasLeftovers } } : { run: still, shards: emptied(shards) };
}

/** Whether no shard has moved on since. What a run and its shards are read as need not have been so at one time. */
export function haveStayed(shards: readonly Shard[], since: readonly Shard[]): boolean {
  return shards.every(
    ({ epoch, turn }, index) => since[index]?.epoch === epoch && since[index].turn === turn,
  );
}

/** The shards that have an outbox, without it. */
export function emptied(shards: readonly Shard[]): readonly Shard[] {
  return shards.filter(({ outbox }) => outbox.length > 0).map((shard) => ({ ...shard, outbox: [] }));
}

/**
 * The run ended by an error, all its shards parked; what their last pages started stays to be enqueued. A run that is being canceled goes
 * on being canceled: undefined.
 */
export function failed(found: RunRecords, error: ErrorRecord, cause: Cause): RunChange | undefined {
  if (!permits(found.run.state, 'fail')) return undefined;
  const after = transition(found.run, 'fail', { ...cause, reason: error.message }, error);
  const run = renewed(withoutCut(after), cause.at);
  const hasLeftovers = found.shards.some((shard) => childrenOf(run, shard).length > 0);
  return { ...parkAll(found, cause.at), run: { ...withNext(run), error, hasLeftovers } };
}

/**
 * Whether nothing is left of a run but its completion: each shard is done, and has said so. A shard that is done and still has the
 * children of its last page in its outbox may have died before it enqueued them.
 */
export function isWalked({ run, shards }: RunRecords): boolean {
  return shards.every((shard) => shard.state === 'done' && childrenOf(run, shard).length === 0);
}

/** The run walked, when that was the last word of a shard that was missing. */
export function walked(found: RunRecords, cause: Cause): RunChange | undefined {
  const { run } = found;
  if (run.state !== 'running' || !isWalked(found)) return undefined;
  const after = { ...transition(run, 'walked', cause), updatedAt: cause.at };
  // A shard that is done stays so as long as its run is running.
  return { run: withNext(after, runTask(after, 'complete')), reliesOn: 'written' };
}

/**
 * The shard with its chain cut and begun anew at the cursor, under a new epoch, so that each task of the old chain is void: its
 * outbox holds what the last page started, and behind that the task of the new epoch. A chain that was to wait still does.
 */
export function restart(run: Run, shard: Shard, now: number): Shard {
  const state = shard.state === 'done' ? 'done' : 'running';
  const after: Shard = { ...shard, state, epoch: shard.epoch + 1, updatedAt: now };
  const next = state === 'done' ? finishTask(run, after) : turnTask(run, after);
  return { ...after, outbox: [...childrenOf(run, shard), next] };
}

/** The run with what it does next begun anew under a new epoch. */
export function restartRun(run: Run, now: number): Run {
  const kind = run.state === 'starting' ? 'prepare' : 'complete';
  const after = renewed(run, now);
  return withNext(after, runTask(after, kind, run.state === 'starting' ? run.at : undefined));
}

/** The children in an outbox, without the next task of the run or chain itself. */
export function childrenOf(run: Run, { outbox }: Pick<Run | Shard, 'outbox'>): readonly OutboxTask[] {
  return outbox.filter(({ delivery }) => !('run' in delivery && delivery.run === run.id));
}

/** Whoever stopped it may have mended what a document dies of. */
function parked(shard: Shard, now: number): Shard {
  const { suspect: _, ...before } = shard;
  return { ...before, state: 'parked', epoch: shard.epoch + 1, updatedAt: now };
}

/** For a run that goes on, or stands still: no completion of it is waited for. */
function withoutCut(run: Run): Run {
  const { cutCompletion: _, ...others } = run;
  return others;
}

function renewed(run: Run, now: number): Run {
  return { ...run, epoch: run.epoch + 1, updatedAt: now };
}

function withNext(run: Run, ...next: readonly OutboxTask[]): Run {
  return { ...run, outbox: [...childrenOf(run, run), ...next] };
}
