import { concludeAttempt, countResponse, isSuccess, startAttempt } from '../core/attempt.ts';
import type { Dispatch, DispatchResult } from '../core/dispatch.ts';
import { DueHeap } from '../core/due-heap.ts';
import { withHttpTarget } from '../core/http-target.ts';
import type { Queue, ResponseStatus, Task } from '../core/model.ts';
import { queueOfTask } from '../core/names.ts';
import { retentionMsOf } from '../core/retry.ts';
import type { Claim, NameRelease, TaskStore } from '../store/store.ts';
import { AttemptsOut } from './attempts-out.ts';
import type { AttemptOut } from './attempts-out.ts';
import type { Clock, Timer } from './clock.ts';
import type { AttemptOutcome, EngineListener, SlowReason, TaskDeletedReason } from './events.ts';
import { Lane } from './lane.ts';
import type { Load } from './lane.ts';
import type { Throttles } from './pace.ts';
import { StoreWatch } from './store-watch.ts';

export interface DispatcherOptions {
  readonly clock: Clock;
  readonly store: TaskStore;
  readonly dispatch: Dispatch;
  readonly emit: EngineListener;
  /** The release of a task's name that is given up at `now`. */
  readonly releaseAt: (now: number, queue: Queue | undefined) => NameRelease;
  readonly throttles: Throttles;
  /** What is recorded of the end of an attempt. */
  readonly statusOf: (result: DispatchResult) => ResponseStatus;
}

/** How many tasks are looked at in one go when some have outlived their retention. */
const EXPIRY_PAGE = 1000;

/**
 * The loop that starts attempts and ends them. It sleeps until the first queue has a due task, a token and a free slot: one timer
 * for all queues, and none when nothing is due. A task that waits for its next attempt holds no slot.
 */
export class Dispatcher {
  readonly #clock: Clock;
  readonly #store: TaskStore;
  readonly #dispatch: Dispatch;
  readonly #emit: EngineListener;
  readonly #releaseAt: DispatcherOptions['releaseAt'];
  readonly #throttles: Throttles;
  readonly #statusOf: DispatcherOptions['statusOf'];
  readonly #lanes = new Map<string, Lane>();
  /** The lanes that can start an attempt, at once or at a known time. */
  readonly #ready = new DueHeap<Lane>();
  readonly #attempts = new AttemptsOut();
  readonly #ending = new Set<Promise<void>>();
  readonly #storeWatch: StoreWatch;
  #stop = new AbortController();
  /** How many want no attempt to start by itself. */
  #holds = 0;
  #lastOrder = 0;
  #timer: { readonly at: number; readonly timer: Timer } | undefined;

  constructor({ clock, store, dispatch, emit, releaseAt, throttles, statusOf }: DispatcherOptions) {
    this.#clock = clock;
    this.#store = store;
    this.#dispatch = dispatch;
    this.#emit = emit;
    this.#releaseAt = releaseAt;
    this.#throttles = throttles;
    this.#statusOf = statusOf;
    this.#storeWatch = new StoreWatch(clock, emit);
  }

  /** Takes in a queue, or its new settings or state. */
  putQueue(queue: Queue): void {
    let lane = this.#lanes.get(queue.name);
    if (lane === undefined) {
      this.#lastOrder += 1;
      lane = new Lane(queue, this.#lastOrder, this.#throttles);
      this.#lanes.set(queue.name, lane);
    } else lane.replaceQueue(queue, this.#clock.now());
    // The time that its tasks may stay can have changed.
    lane.expiresAt = undefined;
    this.#rearm(lane);
  }

  /** Lets go of a queue. Attempts that are out go on, and decide nothing. */
  deleteQueue(name: string): void {
    const lane = this.#lanes.get(name);
    if (lane === undefined) return;
    this.#lanes.delete(name);
    this.#ready.remove(lane);
    this.#setTimer();
  }

  /** When the tokens of each queue are all there again, if no task leaves; of those that lack some. */
  tokensFullAt(): Readonly<Record<string, number>> {
    const now = this.#clock.now();
    const lacking = [...this.#lanes].filter(([, { tokensFullAt }]) => tokensFullAt > now);
    return Object.fromEntries(lacking.map(([name, { tokensFullAt }]) => [name, tokensFullAt]));
  }

  /**
   * Takes up a store whose contents are others than they were, with the tokens of its queues. Attempts that are out are cut off, and nobody
   * learns of their ends; before they have ended none starts by itself.
   */
  async takeUp(tokensFullAt: Readonly<Record<string, number>> = {}): Promise<void> {
    this.#storeWatch.written();
    for (const name of this.#lanes.keys()) this.deleteQueue(name);
    this.#attempts.clear();
    this.#holds += 1;
    for (const queue of this.#store.listQueues()) {
      this.putQueue(queue);
      const fullAt = tokensFullAt[queue.name];
      if (fullAt !== undefined) this.#lanes.get(queue.name)?.fillTokensAt(fullAt);
    }
    await this.cutOff();
    this.#holds -= 1;
    for (const lane of this.#lanes.values()) this.#rearm(lane);
  }

  queue(name: string): Queue | undefined {
    return this.#lanes.get(name)?.queue;
  }

  /** What the queue is doing now; undefined if there is none. */
  load(name: string): Load | undefined {
    return this.#lanes.get(name)?.load(this.#clock.now());
  }

  /** To be called after the tasks of a queue have changed. */
  tasksChanged(queueName: string): void {
    const lane = this.#lanes.get(queueName);
    if (lane !== undefined) this.#rearm(lane);
  }

  /** To be called after a task is gone: the ends of its attempts decide nothing any more. */
  taskGone(name: string): void {
    this.#attempts.voidAll(name);
  }

  /**
   * Starts an attempt now, whatever the task's schedule and its queue's state and limits say; also if one is out already. The old
   * schedule is void: should the attempt fail, the next one comes a backoff after now.
   *
   * @returns The task with the attempt under way; undefined if there is no such task.
   */
  runNow(taskName: string): Task | undefined {
    const now = this.#clock.now();
    const lane = this.#lanes.get(queueOfTask(taskName));
    if (lane === undefined) return undefined;
    const claim = this.#store.claimTask(taskName, (task) => startAttempt(task, now, now));
    if (claim === undefined) return undefined;
    this.#begin(lane, claim, now);
    this.#rearm(lane);
    return claim.task;
  }

  /** Starts every attempt that may start now, and sets the timer for the next. */
  tick(): void {
    const now = this.#clock.now();
    if (this.#holds > 0) return;
    if (now >= (this.#storeWatch.restsUntil ?? now)) this.#storeWatch.try(() => this.#startAllDue(now));
    this.#setTimer();
  }

  /** When the next task falls due of the queues that dispatch (neither paused nor pulled from), or of all; undefined if none waits. */
  nextDueAt(queues: 'dispatching' | 'all'): number | undefined {
    const dueTimes = [...this.#lanes.values()]
      .filter(({ queue }) => queues === 'all' || (queue.state === 'RUNNING' && !queue.isPull))
      .map(({ queue }) => this.#store.nextDueAt(queue.name) ?? Number.POSITIVE_INFINITY);
    const first = dueTimes.reduce((earliest, at) => Math.min(earliest, at), Number.POSITIVE_INFINITY);
    return first === Number.POSITIVE_INFINITY ? undefined : first;
  }

  /** Cuts off the attempts that are out: nobody learns of their ends. Their tasks must be gone. */
  async cutOff(): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    await Promise.all(this.#ending);
  }

  /** Stops: attempts that are out are cut off, and their tasks stay in flight. Resolves when none is out any more. */
  async close(): Promise<void> {
    this.#timer?.timer.cancel();
    this.#stop.abort();
    await Promise.all(this.#ending);
  }

  #startAllDue(now: number): void {
    for (let lane = this.#ready.peek(); lane !== undefined && lane.dueAt <= now; lane = this.#ready.peek()) {
      this.#dropExpired(lane, now);
      this.#startDue(lane, now);
      this.#place(lane, now);
    }
  }

  #startDue(lane: Lane, now: number): void {
    while ((lane.opensAt(now) ?? Number.POSITIVE_INFINITY) <= now) {
      const claim = this.#store.claimDue(lane.queue.name, now, (task) =>
        startAttempt(task, task.scheduleAt, now),
      );
      if (claim === undefined) return;
      this.#storeWatch.written();
      lane.takeToken();
      this.#begin(lane, claim);
    }
  }

  #begin(lane: Lane, { before, task }: Claim, retryFrom?: number): void {
    const { queue } = lane;
    const attempt = { lane, taskName: task.name, number: task.dispatchCount, retryFrom, isVoid: false };
    this.#attempts.add(attempt);
    lane.attemptStarted();
    this.#emit({ kind: 'attemptStarted', at: this.#clock.now(), task });
    const scheduleAt = task.lastAttempt?.scheduleAt ?? task.scheduleAt;
    const routing = queue.appEngineRoutingOverride;
    const request = {
      queue,
      task: withHttpTarget(before, queue.httpTarget),
      scheduleAt,
      ...(routing !== undefined && { routing }),
    };
    const { signal } = this.#stop;
    const dispatching = this.#dispatch(request, signal);
    const ending = this.#untilEnd(attempt, task, dispatching, signal).finally(() =>
      this.#ending.delete(ending),
    );
    this.#ending.add(ending);
  }

  async #untilEnd(
    attempt: AttemptOut,
    begun: Task,
    dispatching: Promise<DispatchResult>,
    signal: AbortSignal,
  ): Promise<void> {
    const result = await dispatching;
    // An attempt whose end cannot be kept is still out: should the process end before, its task is delivered again.
    await this.#storeWatch.tryUntilDone(() => this.#end(attempt, begun, result), signal);
  }

  #end(attempt: AttemptOut, begun: Task, result: DispatchResult): void {
    const { lane, taskName, number } = attempt;
    const now = this.#clock.now();
    const status = this.#statusOf(result);
    const { outcome, task } = this.#conclude(attempt, begun, { result, status }, now);
    const isDone = outcome === 'completed' || outcome === 'exhausted';
    if (isDone) this.#store.deleteTask(taskName, this.#releaseAt(now, lane.queue));
    if (outcome !== 'ignored') this.#storeWatch.written();
    this.#attempts.remove(attempt);
    const slowReason = lane.attemptEnded(now, result, begun.target.kind);
    this.#emit({ kind: 'attemptEnded', at: now, attempt: number, task, result, status, outcome });
    if (slowReason !== undefined) this.#slowed(lane, slowReason, now);
    if (isDone) this.#gone(taskName, outcome, now);
    if (this.#lanes.get(lane.queue.name) === lane) this.#rearm(lane);
  }

  #conclude(
    attempt: AttemptOut,
    begun: Task,
    { result, status }: { readonly result: DispatchResult; readonly status: ResponseStatus },
    now: number,
  ): { readonly outcome: AttemptOutcome; readonly task: Task } {
    const kept = attempt.isVoid ? undefined : this.#store.getTask(attempt.taskName);
    if (kept === undefined) return { outcome: 'ignored', task: begun };
    if (attempt.number !== kept.dispatchCount) {
      const task = countResponse(kept, result);
      if (isSuccess(result)) return { outcome: 'completed', task };
      this.#store.recordLateResponse(task);
      return { outcome: 'superseded', task };
    }
    const { retryFrom = now } = attempt;
    const { queue } = attempt.lane;
    const conclusion = concludeAttempt(kept, result, kept.retryConfig ?? queue.retryConfig, {
      now,
      retryFrom,
      retentionMs: retentionMsOf(queue),
      status,
    });
    if (conclusion.kind === 'retry') this.#store.rescheduleTask(conclusion.task);
    return { outcome: conclusion.kind, task: conclusion.task };
  }

  #gone(taskName: string, reason: TaskDeletedReason, now: number): void {
    this.taskGone(taskName);
    this.#emit({ kind: 'taskDeleted', at: now, taskName, reason });
  }

  #slowed(lane: Lane, reason: SlowReason, now: number): void {
    const { effectiveRate } = lane.load(now);
    this.#emit({ kind: 'queueSlowed', at: now, queue: lane.queue, reason, effectiveRate });
  }

  #rearm(lane: Lane): void {
    this.#place(lane, this.#clock.now());
    this.#setTimer();
  }

  /** Puts the lane where it belongs among those that wait for a known time. */
  #place(lane: Lane, now: number): void {
    const never = Number.POSITIVE_INFINITY;
    const taskDueAt = this.#store.nextDueAt(lane.queue.name) ?? never;
    const startsAt = Math.max(taskDueAt, lane.opensAt(now) ?? never);
    if (lane.becameColdStart(now, taskDueAt)) this.#slowed(lane, 'slowStart', now);
    if (taskDueAt === never && lane.isAtRest) lane.expiresAt = undefined;
    else
      lane.expiresAt ??= expiryOf(
        this.#store.listTasks(lane.queue.name, { start: 0, limit: 1 }).tasks,
        lane.queue,
      );
    const dueAt = Math.min(startsAt, lane.expiresAt ?? never);
    if (dueAt === never) this.#ready.remove(lane);
    else this.#ready.set(lane, dueAt);
  }

  /** Deletes the tasks whose retention has ended: those of a paused queue, above all, which no attempt will end. */
  #dropExpired(lane: Lane, now: number): void {
    while (lane.expiresAt !== undefined && lane.expiresAt <= now) {
      const { tasks } = this.#store.listTasks(lane.queue.name, { start: 0, limit: EXPIRY_PAGE });
      const isExpired = (task: Task): boolean => task.createAt + retentionMsOf(lane.queue) <= now;
      for (const { name } of tasks.filter(isExpired)) {
        this.#store.deleteTask(name, this.#releaseAt(now, lane.queue));
        this.#storeWatch.written();
        this.#gone(name, 'expired', now);
      }
      const kept = tasks.filter((task) => !isExpired(task));
      if (kept.length > 0 || tasks.length === 0) lane.expiresAt = expiryOf(kept, lane.queue);
    }
  }

  #setTimer(): void {
    const dueAt = this.#ready.peek()?.dueAt;
    const isWaiting = dueAt === undefined || this.#holds > 0;
    const at = isWaiting ? undefined : Math.max(dueAt, this.#storeWatch.restsUntil ?? dueAt);
    if (this.#timer?.at === at || this.#stop.signal.aborted) return;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    if (at === undefined) return;
    const timer = this.#clock.at(at, () => {
      this.#timer = undefined;
      this.tick();
    });
    this.#timer = { at, timer };
  }
}

/** When the first of them, the oldest, ends its retention. */
function expiryOf([oldest]: readonly Task[], queue: Queue): number | undefined {
  return oldest && oldest.createAt + retentionMsOf(queue);
}
