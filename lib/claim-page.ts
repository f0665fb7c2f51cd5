import { halvings } from './core/last-word.ts';
import { nextAlone } from './core/outbox.ts';
import type { Shard } from './core/run.ts';
import { suspected, suspicion, unheard, type Suspect } from './core/suspect.ts';
import type { PageInHand } from './commit-page.ts';
import type { TurnInHand } from './handle-page.ts';
import type { Versioned } from './ports.ts';

/** The only document of a page of which attempts have died; undefined for other pages. */
export function suspectOf(
  { task, shard, attempt, ports }: TurnInHand,
  page: PageInHand,
): Suspect | undefined {
  const [document, ...others] = page.documents;
  if (document === undefined || others.length > 0 || halvings(shard.value, attempt) === 0) return undefined;
  return suspected(shard.value, document.ref.path, task.timeoutSeconds * 1000, ports.clock.now());
}

/**
 * What has to stand in the shard before the user's code is called, which is nothing for most pages:
 *
 * - the lease of an exclusive task, so that another delivery waits, and one that had the lease before cannot commit any more,
 * - the document of which the worker may die, so that the next attempt knows.
 *
 * There is nobody to keep out of an empty page.
 */
export async function claimPage(
  { task, run, shard, ports }: TurnInHand,
  page: PageInHand,
  suspect: Suspect | undefined,
): Promise<Versioned<Shard> | 'conflict'> {
  const { suspect: kept, fencingToken = 0 } = shard.value;
  const isHeld = task.exclusive === true && page.documents.length > 0;
  const isNew = suspect !== undefined && suspect !== kept;
  if (!isHeld && !isNew) return shard;
  const at = ports.clock.now();
  const after: Shard = {
    ...shard.value,
    outbox: nextAlone(shard.value),
    ...(isHeld ? { fencingToken: fencingToken + 1, heldUntil: at + task.timeoutSeconds * 1000 } : {}),
    ...(isNew ? { suspect, updatedAt: at } : {}),
    ...(isNew && unheard(suspect) > 0
      ? { lastError: { message: suspicion(suspect), document: suspect.document, at } }
      : {}),
  };
  return await ports.store.holdTurn(run.value.id, shard, after);
}
