import { halvings } from './core/last-word.ts';
import { firstPageSize, halvedPage } from './core/page-size.ts';
import { parseParameters } from './core/parameters.ts';
import { mostDocuments, shareOf } from './core/throttle.ts';
import { expectedRequest, isSameRequest, requestOf, type PageRequest } from './core/page-request.ts';
import type { IterativeTask } from './core/definition.ts';
import type { TurnDelivery } from './core/delivery.ts';
import type { PageInHand } from './commit-page.ts';
import type { TurnInHand } from './handle-page.ts';
import type { Attempt, Ports, RunStore } from './ports.ts';
import { queryOf } from './query-of.ts';

/** A page that was asked for before its shard was read: a guess, of use only if it is what the shard then asks for. */
export interface PageAhead {
  readonly request: PageRequest;
  readonly page: Promise<PageInHand>;
}

/**
 * Asks for the page that a delivery promises, at the same time as the run and the shard are read, so that the two do not take one time
 * after the other. Undefined where what it takes is not known: the page is read when the shard has been.
 *
 * The page is no older than it may be: the delivery exists only because the commit that made its turn due had taken effect, and a query
 * that starts after a commit sees it. A retry, whose turn is likely to be committed already, asks for nothing ahead.
 */
export function askAhead(
  task: IterativeTask,
  delivery: TurnDelivery,
  { store, knownRuns }: Ports,
  attempt: Attempt | undefined,
): PageAhead | undefined {
  // A task that may have the page wait is asked before anything is read for it.
  const isWanted = attempt?.retries === 0 && task.throttle === undefined;
  const known = isWanted ? knownRuns?.get(delivery.run) : undefined;
  const request =
    known === undefined ? undefined : expectedRequest(known, delivery, firstPageSize(task.pageSize));
  if (request === undefined) return undefined;
  const page = ask(task, request, store);
  // Whoever takes the page hears of its failure; when nobody does, nobody needs to.
  page.catch(() => {});
  return { request, page };
}

/** The page that the shard asks for: the one that was asked for ahead, if it is that one. */
export async function readPage(
  { task, run, shard, attempt, ports: { store, clock } }: TurnInHand,
  ahead: PageAhead | undefined,
): Promise<PageInHand> {
  const most = mostDocuments(shareOf(task, run.value, clock.now()));
  const size = shard.value.pageSize ?? firstPageSize(task.pageSize);
  const limit = Math.min(halvedPage(size, halvings(shard.value, attempt)), most);
  if (shard.value.source === 'set-aside') {
    // It has no range of the query.
    const params: unknown = parseParameters(task.name, task.params, JSON.parse(run.value.params));
    const page = await store.readSetAside(run.value.id, shard.value.cursor, limit);
    return { ...page, setAside: page, params, limit };
  }
  const request = requestOf(run.value, shard.value, limit);
  if (ahead !== undefined && isSameRequest(ahead.request, request)) return await ahead.page;
  return await ask(task, request, store);
}

async function ask(
  task: IterativeTask,
  { params: text, range, after, limit }: PageRequest,
  store: RunStore,
): Promise<PageInHand> {
  const params: unknown = parseParameters(task.name, task.params, JSON.parse(text));
  const page = await store.readPage(queryOf(task, params, store.db), range, after, limit);
  const last = page.documents.at(-1);
  // A query whose positions cannot be named is better refused before its documents are handled.
  if (last !== undefined) page.positionOf(last);
  return { ...page, params, limit };
}
