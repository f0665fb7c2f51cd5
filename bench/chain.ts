import { median, quantile } from './statistics.ts';
import { startStage, type ChainTimes } from './stage.ts';
import type { PageSize } from './walk.ts';

/**
 * A short walk first, again and again until all processes are warm: the time of the emulator's queries grows with what it holds, and
 * the gap between two pages is to be the chain's, not its. Then nothing at all, which is what a run's start and end take; then long ones.
 */
const walks: readonly { readonly pageSize: PageSize; readonly pages: number; readonly warmUps: number }[] = [
  { pageSize: 10, pages: 30, warmUps: 20 },
  { pageSize: 10, pages: 0, warmUps: 5 },
  { pageSize: 10, pages: 200, warmUps: 1 },
  { pageSize: 100, pages: 100, warmUps: 1 },
  { pageSize: 500, pages: 40, warmUps: 1 },
];

/** A chain beside loops that do the same reads and writes, at one page size. Medians of the rounds; times in ms. */
export interface ChainScore {
  readonly pageSize: number;
  readonly documents: number;
  readonly loopMs: number;
  /** Of a loop that also enqueues a task for each page. */
  readonly enqueueingLoopMs: number;
  readonly chainMs: number;
  readonly ratio: number;
  readonly ratioToEnqueueing: number;
  /** From a handler's end to the next handler's start; undefined where no page follows another. */
  readonly gaps?: { readonly loopP50Ms: number; readonly p50Ms: number; readonly p95Ms: number };
}

/** The contestants take turns, so that what else the machine does falls on all of them. */
export async function compareChains(rounds: number): Promise<ChainScore[]> {
  await using stage = await startStage();
  const scores: ChainScore[] = [];
  for (const { pageSize, pages, warmUps } of walks) {
    const documents = pageSize * pages;
    const walk = { walk: { pageSize }, collection: await stage.fill(documents) };
    const loops: number[] = [];
    const enqueueingLoops: number[] = [];
    const chains: number[] = [];
    const loopGaps: number[] = [];
    const gaps: number[] = [];
    for (let round = -warmUps; round < rounds; round += 1) {
      const loop = await stage.loop({ ...walk, isEnqueueing: false });
      const chain = await stage.chain(walk);
      const enqueueing = await stage.loop({ ...walk, isEnqueueing: true });
      if (round < 0) continue;
      loops.push(loop.totalMs);
      loopGaps.push(...loop.gapsMs);
      chains.push(chain.totalMs);
      gaps.push(...gapsOf(chain));
      enqueueingLoops.push(enqueueing.totalMs);
    }
    scores.push({
      pageSize,
      documents,
      loopMs: median(loops),
      enqueueingLoopMs: median(enqueueingLoops),
      chainMs: median(chains),
      ratio: ratio(chains, loops),
      ratioToEnqueueing: ratio(chains, enqueueingLoops),
      ...(gaps.length > 0 && {
        gaps: { loopP50Ms: median(loopGaps), p50Ms: median(gaps), p95Ms: quantile(gaps, 0.95) },
      }),
    });
  }
  return scores;
}

function ratio(these: readonly number[], those: readonly number[]): number {
  return median(these.map((time, round) => time / (those[round] ?? Number.NaN)));
}

function gapsOf({ pages }: ChainTimes): number[] {
  return pages.slice(1).map((page, index) => page.start - (pages[index]?.end ?? Number.NaN));
}
