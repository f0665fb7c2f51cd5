import { startStage } from './stage.ts';
import type { PageSize } from './walk.ts';

/**
 * The calls that a page costs, by gRPC method, as they are seen between the worker's clients and their servers. A walk of more pages is
 * set against one of fewer, so that what a run costs at its start and its end falls out.
 */
export async function roundTripsPerPage(pageSize: PageSize): Promise<Record<string, number>> {
  await using stage = await startStage({ isCounted: true });
  const [few, many] = [await countsOf(3), await countsOf(13)];
  const methods = [...new Set([...Object.keys(few), ...Object.keys(many)])].toSorted();
  return Object.fromEntries(
    methods
      .map((method) => [method, ((many[method] ?? 0) - (few[method] ?? 0)) / 10] as const)
      .filter(([, count]) => count !== 0),
  );

  async function countsOf(pages: number): Promise<Record<string, number>> {
    const collection = await stage.fill(pages * pageSize);
    stage.takeCounts();
    await stage.chain({ pageSize, collection });
    return stage.takeCounts();
  }
}
