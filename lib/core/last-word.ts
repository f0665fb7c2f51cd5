/**
 * The last attempt at a shard's present turn that kept why it failed. An attempt that kept nothing may have died of what its page takes in
 * memory, which nobody else can tell of.
 */
export interface LastWord {
  /** Of another epoch it says nothing any more. */
  readonly epoch: number;
  /** How many attempts of the task were before that one; below 0 where the chain was begun anew because nothing was heard of it. */
  readonly retries: number;
}

/** What a shard knows of the attempts at its present turn. */
interface Heard {
  readonly epoch: number;
  readonly lastWord?: LastWord;
}

/** An attempt of a queue to deliver a task, by what the queue says of those before it. */
export interface Retry {
  /** Attempts of this task before. */
  readonly retries: number;
  /** The HTTP status of the one before; undefined where there was none. */
  readonly previousStatus?: number | undefined;
}

/** Attempts in a row that may keep nothing before the page is halved. */
const spared = 2;

/**
 * How often the page of a turn is to be halved: once for each attempt that kept nothing, but for the first ones. They may have been deployments
 * or lost answers, and whoever asked a service for something by the page's `idempotencyKey` is to have the same page again. An attempt
 * that the platform turned away, as it had no worker for it (429), is no sign at all.
 */
export function halvings(shard: Heard, attempt: Retry | undefined): number {
  if (attempt === undefined || attempt.previousStatus === 429) return 0;
  return Math.max(0, attempt.retries - lastHeard(shard) - 1 - spared);
}

/** What a shard keeps of a chain that was found dead, and goes on under `epoch`: its page has half, and half of that the next time. */
export function wordOfDead(shard: Heard, epoch: number): LastWord {
  return { epoch, retries: Math.min(lastHeard(shard), -1 - spared) - 1 };
}

/** What a shard keeps of attempts that were not heard of, when its turn goes on as another task under the next epoch. */
export function wordCarriedOn(
  shard: Heard,
  { retries }: Pick<Retry, 'retries'>,
): { readonly lastWord?: LastWord } {
  const silent = retries - lastHeard(shard) - 1;
  return silent <= 0 ? {} : { lastWord: { epoch: shard.epoch + 1, retries: -1 - silent } };
}

/** How many attempts were before the last one at the present task that was heard of. */
function lastHeard({ epoch, lastWord }: Heard): number {
  return lastWord?.epoch === epoch ? lastWord.retries : -1;
}
