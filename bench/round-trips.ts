import { startStage, type ChainOptions, type Stage } from './stage.ts';
import type { WalkKind } from './walk.ts';

/** Calls by gRPC method, as they are seen between the worker's clients and their servers; those that were not made are left out. */
export type Calls = Readonly<Record<string, number>>;

export interface RoundTrips {
  /** What a run costs besides its pages: start, preparation with its count, the shard's last word, completion. */
  readonly run: Calls;
  readonly page: Calls;
  /** What a page of an exclusive task costs more. */
  readonly exclusive: Calls;
  /** What a shard's last word costs more, when its last page started children. */
  readonly lastChildren: Calls;
  /** What each child costs that a page starts, with its own delivery. */
  readonly child: Calls;
}

/** A walk of more pages is set against one of fewer, so that what a run costs at its start and its end falls out. */
export async function roundTrips(): Promise<RoundTrips> {
  await using stage = await startStage({ isCounted: true });
  const few = await callsOf(stage, { walk: { pageSize: 10 }, pages: 3 });
  const many = await callsOf(stage, { walk: { pageSize: 10 }, pages: 13 });
  const exclusive = await callsOf(stage, { walk: { pageSize: 10, isExclusive: true }, pages: 13 });
  const parents = await callsOf(stage, { walk: { pageSize: 10 }, pages: 13, children: 1 });
  const largerParents = await callsOf(stage, { walk: { pageSize: 10 }, pages: 13, children: 3 });
  const page = difference(many, few, 10);
  const pages = Object.fromEntries(Object.entries(page).map(([method, count]) => [method, 3 * count]));
  return {
    run: difference(few, pages),
    page,
    exclusive: difference(exclusive, many, 13),
    lastChildren: difference(difference(parents, many), { CreateTask: 13 }),
    child: difference(largerParents, parents, 26),
  };
}

/** The last page is a short one, so that no empty page comes behind it. */
async function callsOf(
  stage: Stage,
  options: Omit<ChainOptions, 'collection'> & { readonly pages: number; readonly walk: WalkKind },
): Promise<Calls> {
  const { pages, ...rest } = options;
  const collection = await stage.fill(pages * options.walk.pageSize - 1);
  stage.takeCounts();
  await stage.chain({ ...rest, collection });
  return stage.takeCounts();
}

function difference(these: Calls, those: Calls, times = 1): Calls {
  const methods = [...new Set([...Object.keys(these), ...Object.keys(those)])].toSorted();
  return Object.fromEntries(
    methods
      .map((method) => [method, ((these[method] ?? 0) - (those[method] ?? 0)) / times] as const)
      .filter(([, count]) => count !== 0),
  );
}
