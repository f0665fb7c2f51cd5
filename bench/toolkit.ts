/**
 * `npm run bench`: what a chain of tasks costs, by itself and beside a loop that does the same reads and writes, all measured in this
 * one run on Google's Firestore emulator and this project's queue.
 *
 *     npm run bench -- [--rounds 5] [--json] [round-trips] [chain]
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { compareChains, type ChainScore } from './chain.ts';
import { roundTripsPerPage } from './round-trips.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const parts = {
  'round-trips': async () => {
    const counts = await roundTripsPerPage(100);
    say('Calls for each page', ['call', 'times'], Object.entries(counts));
    return counts;
  },
  chain: async () => {
    const scores = await compareChains(Number(values.rounds));
    say(
      `A chain beside a loop of the same reads and writes, median of ${values.rounds} rounds`,
      [
        'page size',
        'documents',
        'loop',
        'loop + enqueue',
        'chain',
        'chain / loop',
        'chain / loop + enqueue',
        'gap of the loop, p50',
        'gap of the chain, p50',
        'p95',
      ],
      scores.map(rowOf),
    );
    return scores;
  },
} as const;

const results: Record<string, unknown> = {};
for (const [name, part] of Object.entries(parts)) {
  if (positionals.length === 0 || positionals.includes(name)) results[name] = await part();
}
if (values.json) console.log(JSON.stringify(results, null, 2));

function rowOf(score: ChainScore): (string | number)[] {
  return [
    score.pageSize,
    score.documents,
    ms(score.loopMs),
    ms(score.enqueueingLoopMs),
    ms(score.chainMs),
    score.ratio.toFixed(2),
    score.ratioToEnqueueing.toFixed(2),
    ms(score.loopGapMs, 1),
    ms(score.gapP50Ms, 1),
    ms(score.gapP95Ms, 1),
  ];
}

function ms(value: number, digits = 0): string {
  return `${value.toFixed(digits)} ms`;
}

function say(title: string, head: string[], rows: readonly (string | number)[][]): void {
  if (values.json) return;
  const table = new Table({ head, colAligns: head.map(() => 'right'), style: { head: [], border: [] } });
  table.push(...rows);
  console.log(`${title}\n${table.toString()}\n`);
}
