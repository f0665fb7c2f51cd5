import { median } from './statistics.ts';
import { startStage } from './stage.ts';

const documents = 4000;
const pageSize = 100;

/** The same documents walked by one shard and by eight; medians of the rounds. */
export interface ShardsScore {
  /** How long the handler of each page waits, as for another service. */
  readonly waitMs: number;
  readonly documents: number;
  readonly oneMs: number;
  readonly eightMs: number;
  /** How many times faster the eight are. */
  readonly speedup: number;
}

export async function compareShards(rounds: number): Promise<ShardsScore[]> {
  await using stage = await startStage();
  const collection = await stage.fill(documents);
  const scores: ShardsScore[] = [];
  for (const waitMs of [0, 100]) {
    const ones: number[] = [];
    const eights: number[] = [];
    // The first round is for warming up.
    for (let round = -1; round < rounds; round += 1) {
      const one = await stage.chain({ walk: { pageSize }, collection, waitMs });
      const eight = await stage.chain({ walk: { pageSize, shards: 8 }, collection, waitMs });
      if (round < 0) continue;
      ones.push(one.totalMs);
      eights.push(eight.totalMs);
    }
    const speedup = median(ones.map((time, round) => time / (eights[round] ?? Number.NaN)));
    scores.push({ waitMs, documents, oneMs: median(ones), eightMs: median(eights), speedup });
  }
  return scores;
}
