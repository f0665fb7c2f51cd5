import { countsFor } from './core/blame.ts';
import { remedyFor } from './core/failure-rules.ts';
import { smallerPage } from './core/page-size.ts';
import type { Shard } from './core/run.ts';
import { claimPage, suspectOf } from './claim-page.ts';
import { carryOn, commitPage, type PageInHand } from './commit-page.ts';
import { Effects } from './effects.ts';
import {
  failureOf,
  handleDocuments,
  type Handled,
  type PageFailure,
  type TurnInHand,
} from './handle-page.ts';
import { failureOfUnheard, pageFailed, type PageOutcome } from './page-failed.ts';
import { readPage, type PageAhead } from './read-page.ts';
import { observeHandler } from './telemetry/observe-handler.ts';
import { askedToWait, sendLater } from './throttle-page.ts';
import { waitForOthers } from './wait-for-others.ts';

/**
 * Reads the page, has the user's code handle it, commits once, enqueues. Where a page is too much, or fails with several documents,
 * half of it is tried at once, in the same time: nothing had been committed.
 *
 * @param ahead the page that the delivery promised, where it was asked for
 * @throws PageturnerError `held`, and whatever kept the page from taking effect: the delivery must come again.
 */
export async function takePage(
  turn: TurnInHand,
  ahead: PageAhead | undefined,
): Promise<PageOutcome | 'conflict'> {
  const { clock } = turn.ports;
  let startedAt = clock.now();
  // Before anything can fail: what is kept of a failure would take the lease from the delivery that has it.
  const waits = await waitForOthers(turn);
  if (waits !== undefined) return waits;
  let page: PageInHand;
  try {
    const until = await askedToWait(turn);
    if (until !== undefined) return await sendLater(turn, until);
    page = await readPage(turn, ahead);
  } catch (error) {
    return await pageFailed(
      turn,
      failureOf(error, [], remedyFor(error, 0, countsFor(turn.shard.value, []), turn.task)),
    );
  }
  const suspect = suspectOf(turn, page);
  const deadly = suspect && failureOfUnheard(turn, page, suspect);
  if (deadly !== undefined) return await pageFailed(turn, deadly, { inHand: page, size: 1 });
  const claimed = await claimPage(turn, page, suspect);
  if (claimed === 'conflict') return 'conflict';
  const inHand = { ...turn, shard: claimed };
  for (let size = page.documents.length; ; startedAt = clock.now()) {
    const tried = await tryPage(inHand, page, size, startedAt);
    if (typeof tried === 'string') return tried;
    const isNarrowed =
      tried.remedy === 'narrow' && turn.deadline.remaining() >= (clock.now() - startedAt) / 2;
    if (!isNarrowed) return await pageFailed(inHand, tried, { inHand: page, size });
    size = smallerPage(tried.documents);
  }
}

/** Handles the first documents of the page and commits. What keeps them from taking effect is in what is returned. */
async function tryPage(
  turn: TurnInHand,
  page: PageInHand,
  size: number,
  startedAt: number,
): Promise<PageOutcome | 'conflict' | PageFailure> {
  const documents = page.documents.slice(0, size);
  // An empty page, which ends a chain, is nobody's to handle.
  const handled =
    size === 0
      ? { effects: new Effects([], () => startedAt), documents: 0 }
      : await observeHandler(
          { ...handlerOf(turn), clock: turn.ports.clock },
          () => handleDocuments(turn, page.params, documents),
          failuresIn,
        );
  if (handled.failure !== undefined && handled.documents === 0) return handled.failure;
  let after: Shard | 'conflict';
  try {
    after = await commitPage(turn, page, handled, startedAt);
  } catch (error) {
    const tried = documents.slice(0, handled.documents);
    const counts = countsFor(turn.shard.value, tried);
    return failureOf(error, tried, remedyFor(error, tried.length, counts, turn.task));
  }
  return await carryOn(turn, handled, after);
}

function handlerOf({ task, run }: TurnInHand): { task: string; queue: string; handler: string } {
  return { task: task.name, queue: run.value.queue, handler: task.page === undefined ? 'each' : 'page' };
}

/** Those for which documents were set aside included. */
function failuresIn({ effects, failure }: Handled): number {
  const isFailed = (entry: { readonly attempts: number }): boolean => entry.attempts > 0;
  return effects.setAside.filter(isFailed).length + (failure === undefined ? 0 : 1);
}
