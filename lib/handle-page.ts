import type { QueryDocumentSnapshot } from '@google-cloud/firestore';
import { CarriedState } from './carried-state.ts';
import { countsFor } from './core/blame.ts';
import type { PageContext } from './core/context.ts';
import type { IterativeTask } from './core/definition.ts';
import { errorRecord, recordedText } from './core/errors.ts';
import { remedyFor, type Remedy } from './core/failure-rules.ts';
import { derivedTaskId, pageId } from './core/names.ts';
import { hasTimeForAnother } from './core/page-size.ts';
import type { Run, Shard } from './core/run.ts';
import type { RunningDeadline } from './deadline.ts';
import { Effects } from './effects.ts';
import type { Attempt, Ports, Versioned } from './ports.ts';
import type { SetAside } from './set-aside.ts';

/** A turn while one delivery is at work on it. */
export interface TurnInHand {
  readonly task: IterativeTask;
  readonly run: Versioned<Run>;
  readonly shard: Versioned<Shard>;
  readonly deadline: RunningDeadline;
  readonly ports: Ports;
  /** Which attempt of the queue this is, if a queue delivers. */
  readonly attempt: Attempt | undefined;
}

type Document = QueryDocumentSnapshot;

/** Documents in the hands of the user's code. */
interface Work extends TurnInHand {
  readonly params: unknown;
  readonly documents: readonly Document[];
  readonly effects: Effects;
  readonly state: CarriedState;
}

/** Why documents did not take effect, and what is to be done about it. */
export interface PageFailure {
  readonly error: unknown;
  /** How many documents were tried together; 0 when it failed before there were any. */
  readonly documents: number;
  /** The one at fault, where it is known. */
  readonly document?: Document;
  /** How often that one was tried, where it is not one time more than its failures that are counted. */
  readonly attempts?: number;
  readonly remedy: Remedy;
}

/** What came of some documents. */
export interface Handled {
  readonly effects: Effects;
  /** Documents dealt with, from the first one on; those behind them are left for the next page. */
  readonly documents: number;
  /** JSON text of what the shard's state is after them; none where it stays as it was. */
  readonly state?: string | undefined;
  /** Why the rest was left, unless the time was up. */
  readonly failure?: PageFailure;
}

/** Has the user's code handle documents, in the deadline's time. Whatever it throws is in what is returned. */
export async function handleDocuments(
  turn: TurnInHand,
  params: unknown,
  documents: readonly Document[],
): Promise<Handled> {
  const { run, shard, ports } = turn;
  const { index, turn: number, epoch } = shard.value;
  const waiting = turn.task.waitForChildren === true ? run.value.id : undefined;
  const effects = new Effects([run.value.id, index, number, epoch], () => ports.clock.now(), waiting);
  try {
    const state = new CarriedState(turn.task, shard.value.result);
    const work: Work = { ...turn, params, documents, effects, state };
    const handled = await (turn.task.page === undefined ? handleEach(work) : handleTogether(work));
    return withinCap(turn, { ...handled, state: state.text });
  } catch (error) {
    return {
      effects,
      documents: 0,
      failure: failureOf(error, [], remedyFor(error, 0, countsFor(shard.value, []), turn.task)),
    };
  } finally {
    effects.close();
  }
}

async function handleTogether(work: Work): Promise<Handled> {
  const { task, shard, documents, effects, deadline } = work;
  const { index, turn } = shard.value;
  const key = [index, turn, pageId(documents.map(({ ref }) => ref.path))];
  try {
    await deadline.race(async () => await task.page?.(documents, contextOf(work, documents, key)));
    work.state.settle();
    return { effects, documents: documents.length };
  } catch (error) {
    const remedy = remedyFor(error, documents.length, countsFor(shard.value, documents), task);
    return { effects, documents: 0, failure: failureOf(error, documents, remedy) };
  }
}

/** What a failure of documents that were tried together is known to be about. */
export function failureOf(error: unknown, documents: readonly Document[], remedy: Remedy): PageFailure {
  const [document, ...others] = documents;
  const known = document === undefined || others.length > 0 ? {} : { document };
  return { error, documents: documents.length, ...known, remedy };
}

/**
 * One document after the other. A document that fails leaves nothing behind; those before it take effect all the same, and it stands
 * first in the next page, where it is tried alone.
 */
async function handleEach(work: Work): Promise<Handled> {
  const { task, shard, documents, effects, deadline, ports } = work;
  let slowestMs = 0;
  for (const [index, document] of documents.entries()) {
    if (index > 0 && !hasTimeForAnother(deadline.remaining(), slowestMs))
      return { effects, documents: index };
    const startedAt = ports.clock.now();
    const before = effects.mark();
    try {
      const context = contextOf(work, [document], [document.ref.path]);
      await deadline.race(async () => await task.each?.(document, context));
      work.state.settle();
    } catch (error) {
      effects.goBackTo(before);
      work.state.goBack();
      const counts = countsFor(shard.value, [document]);
      // The documents before it take effect, and with them it is the first failure since a page did.
      const failures = index === 0 ? counts.failures : 0;
      const quarantined = counts.quarantined + effects.setAside.length;
      const remedy = remedyFor(error, 1, { ...counts, failures, quarantined }, task);
      const failure = failureOf(error, [document], remedy);
      switch (failure.remedy) {
        case 'set-aside':
          effects.quarantine(setAside(work, document, error, counts.inARow + 1));
          break;
        case 'fail':
        case 'too-many':
          return { effects, documents: 0, failure };
        case 'again':
        case 'smaller':
        case 'narrow':
        case 'count':
          return { effects, documents: index, failure };
      }
    }
    slowestMs = Math.max(slowestMs, ports.clock.now() - startedAt);
  }
  return { effects, documents: documents.length };
}

/** What is kept of a document that is set aside because it failed. */
export function setAside(
  { ports }: TurnInHand,
  document: Document,
  error: unknown,
  attempts: number,
): SetAside {
  return { path: document.ref.path, error: errorRecord(error, ports.clock.now()), attempts };
}

/** @param handled the documents that the call is about. */
function contextOf(
  work: Work,
  handled: readonly Document[],
  key: readonly (string | number)[],
): PageContext<unknown> {
  const { run, shard, params, effects, state, deadline, ports } = work;
  const mustBeOpen = effects.guard();
  return {
    ...effects.context(ports.store.db, deadline),
    params,
    runId: run.value.id,
    dryRun: run.value.isDryRun === true,
    idempotencyKey: derivedTaskId(run.value.id, ...key),
    fencingToken: shard.value.fencingToken,
    get state() {
      mustBeOpen('ctx.state');
      return state.value;
    },
    set state(value) {
      mustBeOpen('ctx.state');
      state.value = value;
    },
    quarantine({ ref: { path } }, reason) {
      mustBeOpen('ctx.quarantine');
      if (!handled.some(({ ref }) => ref.path === path)) {
        const which =
          work.task.page === undefined ? 'the document that each was called for' : 'a document of this page';
        throw new Error(`ctx.quarantine takes ${which}, and ${path} is not.`);
      }
      effects.quarantine({
        path,
        error: { message: reasonText(reason), at: ports.clock.now() },
        attempts: 0,
      });
    },
  };
}

/** Whatever a handler gives: what is set aside without a reason is set aside all the same. */
function reasonText(reason: unknown): string {
  const text = recordedText(() => reason ?? '');
  return text.trim() === '' ? 'no reason was given' : text;
}

/** Documents that handlers set aside are counted against the same cap as those that fail. */
function withinCap({ task, shard }: TurnInHand, handled: Handled): Handled {
  const { effects } = handled;
  const { quarantined } = countsFor(shard.value, []);
  if (quarantined + effects.setAside.length <= task.maxQuarantined) return handled;
  const path = effects.setAside.at(-1)?.path ?? '';
  const error = new Error(
    `${path} would be set aside as number ${task.maxQuarantined + 1} of its shard; maxQuarantined is ${task.maxQuarantined}.`,
  );
  return { effects, documents: 0, failure: { error, documents: 0, remedy: 'fail' } };
}
