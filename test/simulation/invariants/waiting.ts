import type { EngineEvent } from '../../../emulator/engine/events.ts';
import type { Delivery } from '../../../lib/core/delivery.ts';
import type { Run } from '../../../lib/core/run.ts';
import { hasEnded, type RunState } from '../../../lib/core/run-state.ts';
import type { Observer, ReadRun, Report } from './observer.ts';

/** A child that a page started, by what is seen of it in its queue and in its own code. */
interface Seen {
  hasEnded: boolean;
  /** Whether its code says that it can end no other way than badly. */
  isFatal: boolean;
  /** Whether a task of it was taken out of its queue before it was through. */
  isLost: boolean;
  /** Of one that is a run: the states in which that has ended, the last one last. */
  readonly ends: RunState[];
  /** Of one that is a run: whether that goes on. */
  goesOn: boolean;
}

/** Whose child it is, as its own parameters say. */
interface Params {
  readonly run: string;
  readonly path?: string | undefined;
  /** The number of the effect that it was started with: a document that is moved may have several. */
  readonly effect?: number | undefined;
}

/** A run completes when all that its pages started has ended, and counts each child that has not ended well once. */
export class Waiting implements Observer {
  readonly #isOn: boolean;
  readonly #readRun: ReadRun;
  readonly #report: Report;
  /** By the run, the document that they are of, and its effect. */
  readonly #children = new Map<string, Map<string, Seen>>();

  readonly #struck: (harm: 'childWait' | 'childLoss') => void;

  /**
   * @param isOn whether runs wait at all
   * @param struck called each time that a run finds that it has to wait, and that a child is lost
   */
  constructor(
    isOn: boolean,
    readRun: ReadRun,
    struck: (harm: 'childWait' | 'childLoss') => void,
    report: Report,
  ) {
    this.#isOn = isOn;
    this.#struck = struck;
    this.#readRun = readRun;
    this.#report = report;
  }

  /** Something happened in the queues. */
  queued(event: EngineEvent, deliveryOf: (taskName: string) => Delivery | undefined): void {
    if (!this.#isOn) return;
    if (event.kind === 'taskCreated') {
      const params = paramsOf(deliveryOf(event.task.name));
      if (params === undefined) return;
      // One whose task was taken out of its queue counts as lost, and an attempt that was under way may go on all the same.
      if (!this.#seen(params).isLost && this.#readRun(params.run, 'state') === 'completed')
        this.#report(`the child of ${params.path} was started when its run had completed`);
    }
    if (event.kind !== 'taskDeleted' || event.reason === 'completed') return;
    const params = paramsOf(deliveryOf(event.taskName));
    // A run that has begun needs the task no more that began it.
    if (params === undefined || this.#seen(params).goesOn) return;
    if (!this.#seen(params).hasEnded) this.#struck('childLoss');
    this.#seen(params).isLost = true;
  }

  /** The code of a child is through with it. */
  ended(params: Params, isFatal = false): void {
    const seen = this.#seen(params);
    seen.hasEnded = true;
    seen.isFatal = isFatal;
  }

  runWritten(before: Run | undefined, after: Run): void {
    if (!this.#isOn) return;
    if (after.parent !== undefined) this.#childWritten(before, after);
    if ((after.waits ?? 0) > (before?.waits ?? 0)) this.#struck('childWait');
    if (after.state !== 'completed' || before?.state === 'completed') return;
    const children = [...(this.#children.get(after.id) ?? [])];
    for (const [path, { hasEnded: isOver, isLost }] of children) {
      if (!isOver && !isLost) this.#report(`the run completed before the child of ${path} had ended`);
    }
    if (after.task !== 'walk') return;
    const least = children.filter(([, seen]) => failureOf(seen) === 'certain').length;
    const most = children.filter(([, seen]) => failureOf(seen) !== 'none').length;
    const { failedChildren: counted = 0 } = after;
    if (counted < least || counted > most)
      this.#report(`${counted} children count as failed, and ${least} to ${most} have`);
  }

  #childWritten(before: Run | undefined, { params, state }: Run): void {
    const seen = this.#seen(JSON.parse(params) as Params);
    seen.goesOn = !hasEnded(state);
    if (!hasEnded(state) || before?.state === state) return;
    seen.hasEnded = true;
    seen.ends.push(state);
  }

  #seen({ run, path = '', effect }: Params): Seen {
    const child = effect === undefined ? path : `${path} (${effect})`;
    const ofRun = this.#children.get(run) ?? new Map<string, Seen>();
    this.#children.set(run, ofRun);
    const seen = ofRun.get(child) ?? {
      hasEnded: false,
      isFatal: false,
      isLost: false,
      ends: [],
      goesOn: false,
    };
    ofRun.set(child, seen);
    return seen;
  }
}

/** Undefined for a task that nobody waits for. */
function paramsOf(delivery: Delivery | undefined): Params | undefined {
  if (delivery === undefined || (delivery.kind !== 'task' && delivery.kind !== 'start')) return undefined;
  const params = delivery.params as unknown as Params;
  return params.path === undefined ? undefined : params;
}

/** Whether a child counts as failed. A run that failed and was retried may, and so may one whose task was lost on the way. */
function failureOf({ isFatal, isLost, ends, goesOn }: Seen): 'certain' | 'possible' | 'none' {
  if (isFatal) return 'certain';
  const hasFailed = ends.some((state) => state !== 'completed');
  if (hasFailed && !goesOn && !ends.includes('completed')) return 'certain';
  return hasFailed || isLost ? 'possible' : 'none';
}
