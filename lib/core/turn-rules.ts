import type { Blamed } from './blame.ts';
import { clocksDifferByMs } from './clocks.ts';
import type { Cursor } from './cursor.ts';
import type { Delivery, RunDelivery, TurnDelivery } from './delivery.ts';
import { derivedTaskId } from './names.ts';
import type { EffectsReport } from './effects-report.ts';
import { PageturnerError, type ErrorRecord } from './errors.ts';
import type { OutboxTask } from './outbox.ts';
import { placeOf } from './page-request.ts';
import type { Run, Shard } from './run.ts';
import { isStopping } from './run-state.ts';

/**
 * What a delivered turn means for the shard as it stands:
 *
 * - `take`: it is this turn's time.
 * - `replay`: the turn is committed, and what it had to enqueue may not be.
 * - `park`: its run is to stand still, and this shard can.
 * - `parked`: the shard stands still as its run is to, and the run may not have heard of it.
 * - `void`: nothing to do, and never again.
 * - `too-early`: the commit that made this task is not visible yet; it must come again.
 */
export type Verdict =
  | { readonly kind: 'take' }
  | { readonly kind: 'replay' }
  | { readonly kind: 'park' | 'parked' }
  | { readonly kind: 'void'; readonly reason: string }
  | { readonly kind: 'too-early' };

export function judge(run: Run, shard: Shard, delivery: TurnDelivery): Verdict {
  if (delivery.epoch < shard.epoch) {
    // The chain was cut just behind this turn, and a crash may have kept what the turn had to enqueue.
    if (delivery.turn === shard.turn - 1) return { kind: 'replay' };
    if (run.state === 'running' && wasSentLater(shard, delivery)) return { kind: 'replay' };
    // It may have been this very delivery that parked it, before a crash.
    if (isStopping(run.state) && shard.state !== 'running') return { kind: 'parked' };
    return { kind: 'void', reason: 'of an older epoch' };
  }
  if (delivery.epoch > shard.epoch || delivery.turn > shard.turn) return { kind: 'too-early' };
  // Each turn's last act is to enqueue the next, so of the turns before the last one nothing can be left to enqueue.
  if (delivery.turn < shard.turn - 1) return { kind: 'void', reason: 'long committed' };
  if (delivery.turn === shard.turn - 1) return { kind: 'replay' };
  if (isStopping(run.state)) return { kind: shard.state === 'running' ? 'park' : 'parked' };
  if (run.state !== 'running') return { kind: 'void', reason: `the run is ${run.state}` };
  if (shard.state !== 'running') return { kind: 'void', reason: `the shard is ${shard.state}` };
  return { kind: 'take' };
}

/**
 * Whether the turn was sent to a later time, so that a crash may have kept the task of that time from being enqueued. With nothing else
 * in the outbox, it can be enqueued however often.
 */
function wasSentLater(shard: Shard, { turn, epoch }: TurnDelivery): boolean {
  const isEpochBefore = turn === shard.turn && epoch === shard.epoch - 1;
  return (
    isEpochBefore && shard.state === 'running' && shard.notBefore !== undefined && shard.outbox.length === 1
  );
}

/** @throws PageturnerError `invalid-request` when the run is another task's: somebody enqueued by hand, or renamed a function. */
export function mustBelongTo(worker: { readonly name: string }, run: Run): void {
  if (run.task === worker.name) return;
  throw new PageturnerError(
    'invalid-request',
    `Run ${run.id} belongs to task "${run.task}", and this is the worker of "${worker.name}".`,
  );
}

/** What a page came to. */
export interface PageResult {
  /** Documents dealt with. */
  readonly documents: number;
  /** How many of these were set aside. */
  readonly quarantined: number;
  /** How many that were set aside are so no more: taken again, or deleted meanwhile. */
  readonly takenBack: number;
  /** Whether the query had fewer documents than it was asked for: there is nothing behind them. */
  readonly isLast: boolean;
  /** Position of the last document; null when the page was empty. */
  readonly end: Cursor | null;
  readonly children: readonly OutboxTask[];
  /** Of a dry run: what its pages have asked for, this one included. */
  readonly report?: EffectsReport;
  /** Documents that the next page asks for; undefined for the definition's own size. */
  readonly pageSize: number | undefined;
  /** The instant before which the next page does not begin; undefined for at once. */
  readonly nextAt?: number | undefined;
  /** JSON text of the state; undefined where it stays as it was. */
  readonly state?: string | undefined;
  /** Why it was cut short, where a failure did it, and what is blamed, where the failure counts. */
  readonly failure?: { readonly record: ErrorRecord; readonly blamed: Blamed | undefined };
  readonly at: number;
}

/** The shard after the turn. Its outbox holds the children first and the chain's own next task last. */
export function advance(run: Run, shard: Shard, result: PageResult): Shard {
  const {
    lastError: _,
    lastWord: __,
    suspect: ___,
    pageSize: ____,
    heldUntil: _____,
    notBefore: ______,
    blamed: _______,
    ...before
  } = shard;
  const { failure, pageSize, nextAt, state, report } = result;
  const after: Shard = {
    ...before,
    state: result.isLast ? 'done' : 'running',
    turn: shard.turn + 1,
    cursor: result.end ?? shard.cursor,
    processed: shard.processed + result.documents - result.quarantined,
    quarantined: shard.quarantined + result.quarantined - result.takenBack,
    failures: failure?.blamed === undefined ? 0 : 1,
    pages: shard.pages + (result.documents > 0 ? 1 : 0),
    started: shard.started + result.children.length,
    updatedAt: result.at,
    ...(pageSize === undefined ? {} : { pageSize }),
    ...(nextAt === undefined || result.isLast ? {} : { notBefore: nextAt }),
    ...(state === undefined ? {} : { result: state }),
    ...(report === undefined ? {} : { report }),
    ...(failure === undefined ? {} : { lastError: failure.record }),
    ...(failure?.blamed === undefined ? {} : { blamed: failure.blamed }),
  };
  const next = result.isLast ? finishTask(run, after) : turnTask(run, after);
  return { ...after, outbox: [...result.children, next] };
}

/** The turn sent to a later time, under a new epoch: the task of the present one is void, whatever becomes of it. */
export function sentLater(run: Run, shard: Shard, notBefore: number, now: number): Shard {
  const after: Shard = { ...shard, epoch: shard.epoch + 1, notBefore, updatedAt: now };
  return { ...after, outbox: [turnTask(run, after)] };
}

/** The task for the turn that is to be taken next, at the time from which it may be. */
export function turnTask(run: Run, shard: Shard): OutboxTask {
  const { index, turn, epoch, notBefore } = shard;
  const task = taskOf(run, derivedTaskId(run.id, index, turn, epoch), turnDelivery(run, shard));
  return notBefore === undefined ? task : { ...task, at: notBefore };
}

/** The task for the same turn in place of one that its queue has given up, for when others that may have it are not at work any more. */
export function followingTask(
  run: Run,
  shard: Shard,
  { attemptsBefore, until }: { readonly attemptsBefore: number; readonly until: number },
): OutboxTask {
  const { index, turn, epoch } = shard;
  const id = derivedTaskId(run.id, index, turn, epoch, 'following', attemptsBefore);
  const delivery = { ...turnDelivery(run, shard), attemptsBefore };
  return { ...taskOf(run, id, delivery), at: until + clocksDifferByMs };
}

function turnDelivery(run: Run, shard: Shard): TurnDelivery {
  const { index, turn, epoch } = shard;
  return { kind: 'turn', run: run.id, shard: index, turn, epoch, ...placeOf(shard) };
}

/**
 * Every shard that ends says so, and none has to know whether it is the last: the last one's word finds them all done, the others
 * find that they are not.
 */
export function finishTask(run: Run, { index, epoch }: Shard): OutboxTask {
  const id = derivedTaskId(run.id, index, 'finish', epoch);
  return taskOf(run, id, { kind: 'finish', run: run.id, shard: index, epoch });
}

/** What the run itself does next. */
export function runTask(run: Run, kind: RunDelivery['kind'], at?: number): OutboxTask {
  const { id, epoch } = run;
  const task = taskOf(run, derivedTaskId(id, kind, epoch), { kind, run: id, epoch });
  return at === undefined ? task : { ...task, at };
}

function taskOf(run: Run, id: string, delivery: Delivery): OutboxTask {
  const { queue, task: worker, timeoutSeconds } = run;
  return { id, queue, worker, delivery, timeoutSeconds };
}
