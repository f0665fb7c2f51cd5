import type { IterativeTask } from './core/definition.ts';
import { nextAlone } from './core/control.ts';
import { PageturnerError } from './core/errors.ts';
import { remedyForUnheard } from './core/failure-rules.ts';
import { halvings } from './core/last-word.ts';
import type { Shard } from './core/run.ts';
import { suspected, suspicion, unheard, type Suspect } from './core/suspect.ts';
import type { PageInHand } from './commit-page.ts';
import { failureOf, type PageFailure, type TurnInHand } from './handle-page.ts';
import type { Versioned } from './ports.ts';

/** @throws PageturnerError `held` while another delivery holds the shard of an exclusive task. */
export function mustBeFree(
  task: IterativeTask,
  { run, shard }: Pick<TurnInHand, 'run' | 'shard'>,
  now: number,
): void {
  const { heldUntil = 0, turn } = shard.value;
  if (task.exclusive !== true || heldUntil <= now) return;
  throw new PageturnerError(
    'held',
    `Turn ${turn} of run ${run.value.id} is held by another delivery for ${heldUntil - now} ms more.`,
  );
}

/**
 * What has to stand in the shard before the user's code is called, which is nothing for most pages:
 *
 * - the lease of an exclusive task, so that another delivery waits, and one that had the lease before cannot commit any more,
 * - the document of which the worker may die, so that the next attempt knows.
 *
 * There is nobody to keep out of an empty page.
 */
export async function claimPage(turn: TurnInHand, page: PageInHand): Promise<Versioned<Shard> | 'conflict'> {
  const { task, run, shard, ports } = turn;
  if (page.documents.length === 0) return shard;
  const at = ports.clock.now();
  const suspect = suspectOf(turn, page);
  const isNew = suspect !== undefined && suspect !== shard.value.suspect;
  if (task.exclusive !== true && !isNew) return shard;
  const after: Shard = {
    ...shard.value,
    outbox: nextAlone(shard.value),
    ...(isNew ? { suspect, updatedAt: at } : {}),
    ...(isNew && unheard(suspect) > 0 ? { lastError: suspicion(suspect, at) } : {}),
    ...(task.exclusive === true
      ? { fencingToken: (shard.value.fencingToken ?? 0) + 1, heldUntil: at + task.timeoutSeconds * 1000 }
      : {}),
  };
  return await ports.store.holdTurn(run.value.id, shard, after);
}

/** What a document comes to of which worker after worker has died; undefined where it is to be tried. */
export function failureOfUnheard(turn: TurnInHand, page: PageInHand): PageFailure | undefined {
  const suspect = suspectOf(turn, page);
  if (suspect === undefined) return undefined;
  const attempts = unheard(suspect);
  const remedy = remedyForUnheard(attempts, turn.shard.value, turn.task);
  if (remedy === undefined) return undefined;
  const { message: error } = suspicion(suspect, turn.ports.clock.now());
  return { ...failureOf(error, page.documents, remedy), attempts };
}

/** The only document of a page of which attempts have died; undefined for other pages. */
function suspectOf({ shard, attempt }: TurnInHand, { documents }: PageInHand): Suspect | undefined {
  const [document, ...others] = documents;
  if (document === undefined || others.length > 0) return undefined;
  if (attempt === undefined || halvings(shard.value, attempt) === 0) return undefined;
  return suspected(shard.value, document.ref.path, attempt);
}
