/**
 * `npm run bench`: what a chain of tasks costs, by itself and beside a loop that does the same reads and writes, all measured in this
 * one run on Google's Firestore emulator and this project's queue; `sizes` over a store that computes its documents.
 *
 *     npm run bench -- [--rounds 5] [--json] [round-trips] [sizes] [shards] [chain]
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { compareChains, type ChainScore } from './chain.ts';
import { roundTrips } from './round-trips.ts';
import { compareShards } from './shards.ts';
import { compareSizes } from './sizes.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
const parts = {
  'round-trips': async () => {
    const { run, ...more } = await roundTrips();
    const columns = Object.entries({ run, ...more });
    const methods = [...new Set(columns.flatMap(([, calls]) => Object.keys(calls)))].toSorted();
    say(
      'Calls, counted on the wire',
      ['call', 'a run', 'a page', 'exclusive', 'last children', 'a child'],
      methods.map((method) => [method, ...columns.map(([, calls]) => calls[method] ?? 0)]),
    );
    return { run, ...more };
  },
  sizes: async () => {
    const scores = await compareSizes();
    say(
      "The toolkit's own time for a page, over a store that computes its documents",
      ['documents', 'pages', 'a page', 'over the smallest'],
      scores.map(({ documents, pages, pageUs, ratio }) => [
        documents,
        pages,
        `${pageUs.toFixed(0)} µs`,
        ratio.toFixed(2),
      ]),
    );
    return scores;
  },
  shards: async () => {
    const scores = await compareShards(rounds);
    say(
      `Eight shards beside one, median of ${rounds} rounds; all processes share ${availableParallelism()} cores`,
      ['a handler waits', 'documents', 'one shard', 'eight shards', 'times faster'],
      scores.map(({ waitMs, documents, oneMs, eightMs, speedup }) => [
        ms(waitMs),
        documents,
        ms(oneMs),
        ms(eightMs),
        speedup.toFixed(2),
      ]),
    );
    return scores;
  },
  chain: async () => {
    const scores = await compareChains(rounds);
    say(
      `A chain beside a loop of the same reads and writes, median of ${rounds} rounds`,
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

const unknown = positionals.filter((name) => !(name in parts));
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`Write: npm run bench -- [--rounds 5] [--json] [${Object.keys(parts).join('] [')}]`);
  process.exit(2);
}
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
    ...(score.gaps === undefined
      ? ['', '', '']
      : [ms(score.gaps.loopP50Ms, 1), ms(score.gaps.p50Ms, 1), ms(score.gaps.p95Ms, 1)]),
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
